"""Output in total: beyond the limit the oldest goes first, of whatever run, and readers are told what they missed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.kit import RawConnection, eventually, program

KIB = 1024


@pytest.fixture
def limit(own: Hub) -> Callable[[int], None]:
    """Sets the limit in total."""

    def write(size: int) -> None:
        Path(own.daemon.home.config).write_text(f"[output]\ntotal_bytes = {size}\n", encoding="utf-8")

    return write


def written(hub: Hub, name: str, size: int, stream: str = "stdout", **params: Any) -> dict[str, Any]:
    """A process that has written so many bytes and ended."""
    return hub.finish(program("write_bytes", size, stream), name=name, **params)


def on_disk(info: dict[str, Any], hub: Hub) -> dict[str, int]:
    """The files of a run's output, with their sizes."""
    folder = Path(hub.daemon.home.runs) / info["run_id"]
    return {
        path.name: path.stat().st_size for path in folder.iterdir() if path.name == "marks" or path.suffix == ".log"
    }


def await_total(hub: Hub, most: int) -> None:
    """Return when there is no more output than that."""
    eventually(
        lambda: hub.connection.call("get_daemon_status")["output_bytes"] <= most,
        what=f"no more than {most} bytes are kept",
    )


def another(hub: Hub) -> RawConnection:
    """A connection for notifications, beside the one for calls."""
    hub.list()
    return hub.connect()


def deletions(connection: RawConnection, names: set[str]) -> dict[str, int]:
    """How much was told to be deleted of each of these processes, once all of them were told of."""
    told: dict[str, int] = {}
    while told.keys() != names:
        event = connection.read()["params"]["event"]
        assert event["type"] == "output_deleted"
        told[event["name"]] = told.get(event["name"], 0) + event["bytes"]
    return told


def test_the_oldest_output_goes_first(own: Hub, limit: Callable[[int], None]) -> None:
    limit(600 * KIB)
    watching = another(own)
    watching.call("watch_processes", types=["output_deleted"])
    a = written(own, "a", 250 * KIB)
    b = written(own, "b", 250 * KIB, "stderr")
    total = own.connection.call("get_daemon_status")["output_bytes"]
    assert total == sum([*on_disk(a, own).values(), *on_disk(b, own).values()])
    written(own, "c", 250 * KIB)
    await_total(own, 600 * KIB)
    assert on_disk(a, own) == {f"stdout-{250 * KIB:020d}.log": 0}
    assert sum(on_disk(b, own).values()) >= 250 * KIB
    assert deletions(watching, {"a"}) == {"a": 250 * KIB}
    written(own, "d", 250 * KIB)
    await_total(own, 600 * KIB)
    assert on_disk(b, own) == {f"stderr-{250 * KIB:020d}.log": 0}
    assert own.status("a")["exit_code"] == 0


def test_readers_are_told_what_they_missed(own: Hub, limit: Callable[[int], None]) -> None:
    written(own, "a", 300 * KIB, keep_bytes=300 * KIB)  # in segments of 64 KiB
    cursor = own.call("get_process_output", "a", cursor="start", format="raw", max_bytes=1600)["cursor"]
    limit(150 * KIB)
    written(own, "b", 1)
    await_total(own, 150 * KIB)
    left = [size for name, size in sorted(on_disk(own.status("a"), own).items()) if name != "marks"]
    assert 0 < sum(left) < 150 * KIB
    read = 0
    missed = 0
    while True:
        reply = own.call("get_process_output", "a", cursor=cursor, format="raw", max_bytes=64 * KIB)
        cursor = reply["cursor"]
        missed += reply["missed_bytes"]
        read += sum(len(piece["text"]) for piece in reply["lines"])
        if reply["ended"]:
            break
    assert read == sum(left)
    assert read + missed in range(300 * KIB - 1600, 300 * KIB + 1)


def test_of_a_live_run_the_newest_segment_stays(own: Hub, limit: Callable[[int], None]) -> None:
    script = "import sys; print('x' * 100_000, flush=True); input(); print('more', flush=True); input()"
    live = own.start([sys.executable, "-c", script], name="live", keep_bytes=64 * KIB * 8)
    # A line is found before all of it is there.
    eventually(lambda: own.call("get_process_log_paths", "live")["streams"][0]["bytes"] == 100_001)
    before = own.call("get_process_log_paths", "live")["streams"][0]
    assert len(before["paths"]) == 2
    limit(1)
    written(own, "a", 1000)
    eventually(lambda: len(on_disk(live, own)) == 2, what="the live run has one segment and its marks")
    await_total(own, 40 * KIB)
    own.call("send_process_input", "live", input="")
    own.await_line("live", "^more")
    after = own.call("get_process_log_paths", "live")["streams"][0]
    assert after["paths"] == before["paths"][1:]
    assert after["bytes"] == before["bytes"] + 5


def test_a_lower_limit_counts_when_the_daemon_starts(own: Hub, limit: Callable[[int], None]) -> None:
    for name in "abc":
        written(own, name, 100 * KIB)
    limit(150 * KIB)
    own.forget_connections()
    own.daemon.kill()
    own.daemon.start()
    await_total(own, 150 * KIB)
    assert sum(on_disk(own.status("c"), own).values()) > 100 * KIB
    assert own.list().keys() == set("abc")


def test_a_follower_of_a_flood_gets_every_line_or_a_gap(own: Hub, limit: Callable[[int], None]) -> None:
    limit(256 * KIB)
    following = another(own)
    own.start(
        [sys.executable, "-c", "input(); import os; os.write(1, b'0123456\\n' * 500_000)"],
        name="p",
        keep_bytes=128 * KIB,
    )
    following.call("follow_process_output", processes=["p"], cursors={"p": "start"}, working_directory=str(own.project))
    own.call("send_process_input", "p", input="")
    got = 0
    while got < 4_000_000:
        message = following.read()
        if message["method"] == "process_output":
            got += message["params"]["missed_bytes"]
            got += sum(len(line["text"]) + (not line.get("partial")) for line in message["params"]["lines"])
    assert got == 4_000_000
    await_total(own, 256 * KIB)
    assert own.status("p")["exit_code"] == 0
