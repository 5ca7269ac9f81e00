"""Programs that print and are dead at once: every byte is there, in each run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from persistproc_core.client import Client, piece_bytes
from tests.kit import Daemon, numbered, program
from tests.races.crowd import FULL

RUNS = 100 if FULL else 8
MIB = 1024 * 1024

Which = Literal["combined", "stdout", "stderr"]


@pytest.fixture
def client(daemon: Daemon, tmp_path: Path) -> Iterator[Client]:
    with Client(working_directory=str(tmp_path)) as client:
        yield client


def run(client: Client, where: Path, command: list[str]) -> str:
    """Run it to its end as the process ``short``; returns how it ended."""
    client.start_process(
        command=command,
        name="short",
        replace=True,
        working_directory=str(where),
        environment={"ABORT": "1"},
        resource_limits={"core": [0, 0]},
    )
    return str(client.wait_for_process(process="short", exit=True)["signal"])


def output(client: Client, stream: Which) -> bytes:
    """All that the newest run printed."""
    data, cursor, more = b"", "start", True
    while more:
        reply = client.get_process_output(
            process="short", stream=stream, cursor=cursor, format="raw", max_bytes=256 * 1024
        )
        data += b"".join(piece_bytes(piece) for piece in reply["lines"])
        cursor, more = reply["cursor"], reply["more"]
        assert reply["missed_bytes"] == 0
    assert reply["ended"]
    return data


def files(client: Client, stream: str) -> bytes:
    """The same, by ``cat``."""
    streams = client.get_process_log_paths(process="short")["streams"]
    return b"".join(Path(path).read_bytes() for log in streams if log["stream"] == stream for path in log["paths"])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("stream", ["stderr", "stdout"])
@pytest.mark.parametrize("size", [30, MIB], ids=["30 lines", "1 MiB"])
def test_every_byte_before_an_abort(client: Client, tmp_path: Path, stream: Which, size: int) -> None:
    if size == MIB:
        command, expected = program("write_bytes", size, stream), numbered(size)
    else:
        command = program("abort_after_lines", size, stream)
        expected = b"".join(b"line %d of 30\n" % number for number in range(1, 31))
    other: Which = "stdout" if stream == "stderr" else "stderr"
    for number in range(RUNS):
        assert run(client, tmp_path, command) == "SIGABRT"
        found = {"cat": files(client, stream), stream: output(client, stream), "combined": output(client, "combined")}
        for view, data in found.items():
            assert data == expected, f"run {number}, {view}: {len(data)} of {len(expected)} bytes"
        assert output(client, other) == b""
