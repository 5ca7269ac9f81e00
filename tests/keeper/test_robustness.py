"""Nothing that a peer, a child, a signal or a file does ends the keeper or hurts another run."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from persistproc_core.keeper.wire import frame
from tests.keeper.rig import PROGRAM, Keeper, Refused
from tests.kit import is_alive, program, wait_gone


@pytest.fixture
def busy(keeper: Keeper) -> Keeper:
    """A keeper with a run ``good`` that must not notice anything."""
    keeper.start("good", program("echo_stdin"))
    keeper.await_output("good", b"ready")
    return keeper


def is_well(keeper: Keeper) -> bool:
    """True when the keeper serves a new daemon and the run still works."""
    size = len(keeper.folder("good").stdout)
    keeper.connect()
    keeper.write("good", b"still here\n")
    return keeper.await_output("good", b"still here\n")[size:] == b"got: still here\n" and keeper.is_alive


GARBAGE = {
    "noise": b"\xff" * 1000,
    "a frame that is too long": b"\x7f\xff\xff\xff",
    "fields that do not add up": b"\0\0\0\4\0\0\0\x09",
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no fields": b"\0\0\0\0",
    "one field": frame(b"list"),
    "an unknown verb": frame(b"explode", b"1"),
    "missing fields": frame(b"start", b"1", b"r"),
    "a number that is none": frame(b"signal", b"1", b"good", b"x", b"group"),
    "a signal that is none": frame(b"signal", b"1", b"good", b"999", b"group"),
    "a watch of nothing": frame(b"watch"),
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_a_peer_that_talks_garbage(busy: Keeper, data: bytes) -> None:
    first = busy.link
    stranger = busy.connect(greet=False)
    stranger.send_bytes(data)
    stranger.close()
    assert len(first.ask("list")) == 1
    assert is_well(busy)


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_requests_behind_garbage_are_answered_or_the_link_ends(busy: Keeper, data: bytes) -> None:
    """Never silence: a daemon would wait for ever."""
    stranger = busy.connect(greet=False)
    stranger.send_bytes(data)
    try:
        stranger.send_bytes(frame(b"list", b"behind"))
        assert stranger.answer(b"behind")
    except (EOFError, ConnectionError):
        pass
    assert is_well(busy)


def test_an_unknown_verb_is_refused(busy: Keeper) -> None:
    """A newer daemon must be told that this keeper is older, not wait for ever."""
    with pytest.raises(Refused):
        busy.link.ask("explode")


def test_half_a_frame(busy: Keeper) -> None:
    stranger = busy.connect(greet=False)
    order = frame(b"start", b"1", *busy.order("half", ["touch", str(busy.folder("half").path / "ran")]))
    stranger.send_bytes(order[:-1])
    stranger.close()
    assert is_well(busy)
    assert len(busy.link.ask("list")) == 1
    assert not (busy.folder("half").path / "ran").exists()


def test_a_frame_byte_by_byte(busy: Keeper) -> None:
    for byte in frame(b"list", b"slow"):
        busy.link.send_bytes(bytes([byte]))
    assert len(busy.link.answer(b"slow")) == 1


def test_a_peer_that_never_reads_blocks_nobody(busy: Keeper) -> None:
    """Its answers wait in memory, bounded by what it asks; children and others go on."""
    deaf = busy.connect(greet=False)
    for number in range(2000):
        deaf.send_bytes(frame(b"list", b"%d" % number))
    assert is_well(busy)


def test_the_hello_of_a_new_daemon_ends_the_old_link(busy: Keeper) -> None:
    old = busy.link
    busy.connect()
    assert old.ended()
    assert is_well(busy)


def test_what_a_dead_daemon_had_asked_for_is_not_done_after_its_successors_hello(busy: Keeper) -> None:
    """Its requests may still lie in the socket: what they start, nobody would know of.

    The keeper is stopped while the new daemon says hello and the old one asks, so that it finds both at once.
    """
    old, new = busy.link, busy.connect(greet=False)
    new.ask("list")
    order = busy.order("late", ["touch", str(busy.folder("late").path / "ran")])
    os.kill(busy.pid, signal.SIGSTOP)
    number = new.send("hello", b"1")
    old.send("start", *order)
    os.kill(busy.pid, signal.SIGCONT)
    new.answer(number)
    assert len(new.ask("list")) == 1
    assert old.ended()
    assert not (busy.folder("late").path / "ran").exists()


def test_a_deleted_run_folder(busy: Keeper) -> None:
    """The child is not blocked, its end is told, and no other run notices."""
    busy.start("r", program("steady_writer", 0, 4000))
    busy.await_output("r", b"out 10 ")
    busy.folder("r").delete()
    (pid,) = (int(child) for child in children(busy.pid) if int(child) != good_pid(busy))
    before = written(pid)
    while written(pid) < before + 8_000_000:  # many times what the FIFOs hold, and more than a segment
        assert is_alive(pid)
        busy.link.ask("list")
    assert busy.signal("r", signal.SIGTERM) == b"sent"
    assert busy.link.event("exited", "r")[0].startswith(b"exit 0 ")
    busy.release("r")
    assert is_well(busy)


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()


def good_pid(keeper: Keeper) -> int:
    return keeper.folder("good").spawned()[0]


def written(pid: int) -> int:
    """Bytes that a process has written so far (proc(5), wchar)."""
    return int(Path(f"/proc/{pid}/io").read_text("ascii").split("wchar:")[1].split()[0])


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "PIPE"])
def test_signals_do_not_end_it(busy: Keeper, name: str) -> None:
    os.kill(busy.pid, signal.Signals[f"SIG{name}"])
    assert is_well(busy)


def test_the_hang_up_of_its_terminal_does_not_end_it(busy: Keeper) -> None:
    assert os.getsid(busy.pid) == busy.pid


def test_a_second_keeper_of_the_same_home_leaves_at_once(busy: Keeper) -> None:
    command = [sys.executable, "-I", "-S", str(PROGRAM), "--fd", "0", *busy.paths()]
    assert subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 3
    assert is_well(busy)


def test_it_ends_with_its_last_link_when_it_keeps_nothing(keeper: Keeper) -> None:
    keeper.link.close()
    assert keeper.wait() == 0
    assert not os.path.lexists(keeper.home.keeper_socket)


def test_it_ends_with_its_last_run_when_no_daemon_lives(keeper: Keeper) -> None:
    """A daemon that comes back releases what has ended; then both may go."""
    pid = keeper.start("r", program("sleeper"))
    keeper.link.close()
    keeper.connect()
    keeper.link.close()
    os.kill(pid, signal.SIGKILL)
    wait_gone(pid)
    keeper.connect()
    keeper.release("r")
    keeper.link.close()
    assert keeper.wait() == 0


def test_the_end_of_a_run_waits_for_a_daemon_that_asks(keeper: Keeper) -> None:
    """While no daemon lives a run ends: its record is on disk, and it stays in the list until it is released."""
    pid = keeper.start("r", program("sleeper"))
    keeper.link.close()
    os.kill(pid, signal.SIGKILL)
    wait_gone(pid)
    assert b"signal 9 " in keeper.connect().ask("list")[0]
    assert keeper.folder("r").ended()[:2] == ["signal", "9"]


def test_a_bad_descriptor_is_an_exit_code(keeper: Keeper, tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-S", str(PROGRAM), "--fd", "77"]
    command += [str(tmp_path / "sock"), str(tmp_path / "holder"), str(tmp_path / "lock"), str(tmp_path / "log")]
    assert subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode not in (0, 3)


def test_what_nobody_waits_for_any_more_is_not_done(busy: Keeper) -> None:
    """A keeper that was stopped finds requests whose callers have been told that it does not answer."""
    past = b"%d" % (time.monotonic_ns() - 1)
    with pytest.raises(Refused) as caught:
        busy.link.ask("start", *busy.order("late", ["touch", str(busy.folder("late").path / "ran")]), past)
    assert caught.value.errno == errno.ETIMEDOUT
    assert busy.link.ask("signal", b"good", b"9", b"group", past) == [b"gone"]
    assert not (busy.folder("late").path / "ran").exists()
    assert is_well(busy)
