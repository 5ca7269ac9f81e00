"""The exit record comes after the last byte: who sees that a run has ended can read all that it wrote."""

from __future__ import annotations

import time

import pytest

from tests.keeper.rig import Keeper
from tests.kit import numbered, program

MIB = 1024 * 1024


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_mebibyte_and_exit(keeper: Keeper, stream: str) -> None:
    """Looked at in the very moment in which the record appears, before any event was read."""
    expected = numbered(MIB)
    for number in range(8):
        run_id = f"r{number}"
        keeper.start(run_id, program("write_bytes", MIB, stream))
        folder = keeper.folder(run_id)
        deadline = time.monotonic() + 5
        while not folder.has_ended:
            assert time.monotonic() < deadline
        assert folder.read(stream) == expected
        assert folder.ended()[:2] == ["exit", "0"]
        keeper.release(run_id)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_thirty_lines_and_abort(keeper: Keeper, stream: str) -> None:
    expected = b"".join(b"line %d of 30\n" % number for number in range(1, 31))
    for number in range(15):
        folder = keeper.run(f"r{number}", program("abort_after_lines", 30, stream))
        assert folder.read(stream) == expected
        assert folder.ended()[:2] == ["signal", "6"]


def test_a_mark_covers_the_last_byte(keeper: Keeper) -> None:
    for number in range(10):
        folder = keeper.run(f"r{number}", program("alternate", 100))
        last = folder.marks()[-1]
        assert (last.stdout, last.stderr) == (len(folder.stdout), len(folder.stderr))


@pytest.mark.parametrize("code", [0, 1, 3, 125, 255])
def test_exit_codes(keeper: Keeper, code: int) -> None:
    before = time.time_ns()
    keeper.start("r", program("exit_n", code))
    outcome = keeper.link.event("exited", "r")[0].decode().split()
    assert outcome[:2] == ["exit", str(code)]
    assert before <= int(outcome[2]) <= time.time_ns()
    assert keeper.folder("r").ended() == outcome


@pytest.mark.parametrize(("name", "number"), [("SIGKILL", 9), ("SIGTERM", 15), ("SIGSEGV", 11)])
def test_signals(keeper: Keeper, name: str, number: int) -> None:
    folder = keeper.run("r", program("die_by_signal", name))
    assert folder.ended()[:2] == ["signal", str(number)]


@pytest.mark.parametrize("number", [13, 34, 40, 64])
def test_signals_of_which_python_knows_little(keeper: Keeper, number: int) -> None:
    """SIGPIPE, which it ignores, and realtime signals, which have no name."""
    assert keeper.run("r", ["sh", "-c", f"kill -{number} $$"]).ended()[:2] == ["signal", str(number)]


def test_a_stopped_child_has_not_ended(keeper: Keeper) -> None:
    """SIGCHLD comes for SIGSTOP and SIGCONT as well (wait(2))."""
    keeper.start("r", program("sleeper"))
    keeper.await_output("r", b"ready")
    assert keeper.signal("r", 19) == b"sent"
    assert keeper.signal("r", 18) == b"sent"
    assert not [event for event in keeper.link.events() if event[0] == b"exited"]
    assert keeper.signal("r", 15) == b"sent"
    assert keeper.link.event("exited", "r")[0].startswith(b"signal 15 ")


def test_a_hundred_ends_at_once(keeper: Keeper) -> None:
    """Signals of the same number are not queued: one SIGCHLD stands for many ends (signal(7))."""
    for number in range(40):
        keeper.start(f"r{number}", program("sleeper"))
    for number in range(40):
        keeper.link.send("signal", b"r%d" % number, b"9", b"group")
    for number in range(40):
        assert keeper.link.event("exited", f"r{number}")[0].startswith(b"signal 9 ")


def test_the_end_of_one_that_forked_on_is_told_at_once(keeper: Keeper) -> None:
    """A grandchild holds the FIFO open for ever: waiting for its end of file would be waiting for the grandchild."""
    folder = keeper.run("r", ["sh", "-c", "sleep 1000 & echo done"])
    assert folder.stdout == b"done\n"
    assert folder.ended()[:2] == ["exit", "0"]
    assert keeper.signal("r", 9) == b"sent"
