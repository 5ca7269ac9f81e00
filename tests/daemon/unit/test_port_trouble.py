"""Which port a program means that says an address is in use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from persistproc_core.daemon.model import Run
from persistproc_core.daemon.ports.trouble import PortTrouble, named_port, says_in_use
from persistproc_core.daemon.settings import Settings
from persistproc_core.daemon.words.command import Command
from tests.daemon.unit.logfolder import LogFolder

NODE = [
    "node:events:497",
    "      throw er; // Unhandled 'error' event",
    "Error: listen EADDRINUSE: address already in use :::3000",
    "    at Server.setupListenHandle [as _listen2] (node:net:1817:16)",
    "  code: 'EADDRINUSE',",
    "  errno: -98,",
    "  port: 3000",
]


@pytest.mark.parametrize(
    ("lines", "port"),
    [
        (NODE, 3000),
        (["Error: listen EADDRINUSE: address already in use", "  errno: -98,", "  port: 3000"], 3000),
        (["Error: listen EADDRINUSE: address already in use 127.0.0.1:8080"], 8080),
        (["OSError: [Errno 98] Address already in use"], None),
        (['ERROR:    [Errno 98] error while attempting to bind on address ("127.0.0.1", 8000): address in use'], 8000),
        (["listen tcp :8080: bind: address already in use"], 8080),
        (["nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)"], 80),
        (["12:30:45 Error: Port 5173 is already in use"], 5173),
        (["2026-01-02 12:30:45.123 address already in use"], None),
        (["java.net.BindException: Address already in use"], None),
        (["Web server failed to start. Port 8080 was already in use."], 8080),
        (["Error: address already in use [::1]:9000 (os error 98)"], 9000),
        (["address already in use :99999"], None),
        (["2026-03-01 12:30:45 [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)"], 80),
        (["2026-03-01T12:30:45Z listen tcp [::1]:80: bind: address already in use"], 80),
        (["12:30:45.123 ERROR [Errno 98] bind on address ('127.0.0.1', 8000): address already in use"], 8000),
        (['Os { code: 98, kind: AddrInUse, message: "Address already in use" }'], None),
        (['could not bind IPv4 address "127.0.0.1": Address already in use', "HINT: ... running on port 5432?"], 5432),
    ],
)
def test_named(lines: list[str], port: int | None) -> None:
    assert says_in_use(lines)
    assert named_port(lines) == port


@pytest.mark.parametrize("line", ["listening on 3000", "the name is already in use", "in use: 12 of 20"])
def test_nothing_of_the_kind(line: str) -> None:
    assert not says_in_use([line])
    assert named_port([line]) is None


@pytest.mark.anyio
async def test_a_log_that_cannot_be_read_keeps_nothing_back(tmp_path: Path) -> None:
    """A FIFO that nobody writes to stands for the file of a file system that hangs."""
    folder = LogFolder(tmp_path / "run")
    folder.write("stdout", b"address already in use\n")
    marks = tmp_path / "run" / "marks"
    os.mkfifo(marks)
    command = Command(("x",), False, "x")
    run = Run("p.1.00000000", 1, str(tmp_path / "run"), command, "/", Settings(), "", {"name": "t"}, "")
    try:
        with anyio.fail_after(5):
            assert await PortTrouble(cast("Any", None)).explain(cast("Any", None), run) == ""
    finally:
        os.close(os.open(marks, os.O_WRONLY | os.O_NONBLOCK))  # fails where nobody was in there
