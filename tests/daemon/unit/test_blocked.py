"""On what a process is blocked, as the kernel tells it: real children on a FIFO and on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from persistproc_core.keeper.blocked import blocked_calls
from tests.kit import descendants, eventually, program, read_until
from tests.programs.ask import QUESTION

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no /proc")


@contextmanager
def _child(command: list[str], terminal: bool, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command with its question printed; its input is a FIFO or a terminal, which is its controlling one."""
    if terminal:
        ours, theirs = pty.openpty()
    else:
        os.mkfifo(folder / "stdin")
        ours = theirs = os.open(folder / "stdin", os.O_RDWR)
    reader, writer = os.pipe()
    output = theirs if terminal else writer
    process = subprocess.Popen(command, stdin=theirs, stdout=output, stderr=output, start_new_session=True)
    try:
        read_until(ours if terminal else reader, QUESTION.encode())
        yield process
    finally:
        process.kill()
        process.wait()
        for fd in {ours, theirs, reader, writer}:
            os.close(fd)


@pytest.mark.parametrize("terminal", [False, True], ids=["fifo", "terminal"])
@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("by_input", {b"read"}),
        ("by_readline", {b"read", b"select"}),
        ("by_poll", {b"poll"}),
        ("by_epoll", {b"epoll"}),
        ("by_thread", {b"read"}),
        ("on_stderr", {b"read"}),
    ],
)
def test_the_call_and_its_descriptors(way: str, expected: set[bytes], terminal: bool, tmp_path: Path) -> None:
    with _child(program("ask", way), terminal, tmp_path) as process:
        eventually(lambda: blocked_calls(process.pid))
        (entry,) = blocked_calls(process.pid)
        kind, *descriptors = entry.split()
        assert kind in expected
        assert descriptors == [b"0"]


@pytest.mark.parametrize(
    "call", ["select.select([0], [], [], 1000)", "p = select.poll(); p.register(0, 1); p.poll(1000000)"]
)
def test_who_looks_again_by_itself(call: str) -> None:
    """A full-screen program redraws every few seconds; it has asked nothing."""
    command = [sys.executable, "-I", "-S", "-c", f"import select; {call}"]
    numbers = ("23", "270", "7", "271") if os.uname().machine == "x86_64" else ("72", "73")
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        blocked = Path(f"/proc/{process.pid}/syscall")
        eventually(lambda: blocked.read_text("ascii").split()[0] in numbers)
        assert blocked_calls(process.pid) == []
        process.kill()


def test_what_does_not_read() -> None:
    with subprocess.Popen(program("look_busy", "build"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        read_until(process.stdout.fileno(), b"Compiling... ")
        eventually(lambda: descendants(process.pid))
        assert blocked_calls(process.pid) == []
        for child in descendants(process.pid):
            os.kill(child, 9)


def test_a_process_that_is_gone() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert blocked_calls(process.pid) == []
