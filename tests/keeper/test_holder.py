"""The holder keeps the FIFOs open while no keeper lives: what a child wrote and then ended is not forgotten."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import psutil
import pytest

from tests.keeper.rig import Keeper
from tests.kit import eventually, is_alive, numbered, program, wait_gone


def holder_of(keeper: Keeper) -> int:
    """The pid of the holder: it has the keeper's arguments and is not the keeper."""
    path = keeper.home.holder_socket
    found = [p.pid for p in psutil.process_iter() if p.pid != keeper.pid and path in words(p) and is_alive(p.pid)]
    (pid,) = found
    return pid


def words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def replace(keeper: Keeper, run_id: str) -> None:
    """The next keeper, which drains the run."""
    keeper.launch()
    keeper.adopt(run_id)
    keeper.link.ask("drain", run_id.encode())


@pytest.mark.parametrize("size", [1, 60_000])
def test_last_words_while_no_keeper_lives(keeper: Keeper, size: int) -> None:
    """Without a holder the kernel throws a FIFO's content away when the last process that has it open ends."""
    pid = keeper.start("r", ["sh", "-c", 'read line; exec "$@"', "sh", *program("write_bytes", size)])
    keeper.kill()
    keeper.write("r", b"go\n")
    wait_gone(pid)
    replace(keeper, "r")
    assert keeper.folder("r").stdout == numbered(size)


def test_the_holder_is_killed_and_replaced(keeper: Keeper) -> None:
    """The next one holds what the first one held."""
    pid = keeper.start("r", ["sh", "-c", "read line; echo bye; echo oops >&2"])
    first = holder_of(keeper)
    os.kill(first, signal.SIGKILL)
    wait_gone(first)
    eventually(lambda: holder_of_any(keeper) not in (None, first))
    keeper.link.ask("list")  # answered when the keeper is through with making the next one
    keeper.kill()
    keeper.write("r", b"go\n")
    wait_gone(pid)
    replace(keeper, "r")
    assert (keeper.folder("r").stdout, keeper.folder("r").stderr) == (b"bye\n", b"oops\n")


def holder_of_any(keeper: Keeper) -> int | None:
    try:
        return holder_of(keeper)
    except ValueError:
        return None


def test_the_next_keeper_finds_the_same_holder(keeper: Keeper) -> None:
    keeper.start("r", program("sleeper"))
    first = holder_of(keeper)
    keeper.kill()
    replace(keeper, "r")
    assert holder_of(keeper) == first


def test_it_lets_go_of_what_is_released(keeper: Keeper) -> None:
    holder = holder_of(keeper)
    before = len(os.listdir(f"/proc/{holder}/fd"))
    for number in range(10):
        keeper.run(f"r{number}", ["true"])
        keeper.release(f"r{number}")
    keeper.run("last", ["true"])
    eventually(lambda: len(os.listdir(f"/proc/{holder}/fd")) == before + 2)


def test_it_ends_with_its_keeper_when_it_holds_nothing(keeper: Keeper) -> None:
    holder = holder_of(keeper)
    keeper.link.close()
    assert keeper.wait() == 0
    wait_gone(holder)
    assert not os.path.lexists(keeper.home.holder_socket)


def test_it_ends_with_the_last_process_when_nobody_can_find_it(keeper: Keeper) -> None:
    """Its socket's file was deleted while no keeper lived: the next one makes another twin."""
    pids = [keeper.start("r", program("sleeper")), keeper.start("t", program("sleeper"), size=(24, 80))]
    holder = holder_of(keeper)
    keeper.kill()
    os.unlink(keeper.home.holder_socket)
    os.kill(pids[1], signal.SIGKILL)
    wait_gone(pids[1])
    assert is_alive(holder)
    os.kill(pids[0], signal.SIGKILL)
    wait_gone(holder)


def test_it_waits_for_the_next_keeper_otherwise(keeper: Keeper) -> None:
    pid = keeper.start("r", ["sh", "-c", "read line; echo bye"])
    holder = holder_of(keeper)
    keeper.kill()
    keeper.write("r", b"go\n")
    wait_gone(pid)
    replace(keeper, "r")
    assert keeper.folder("r").stdout == b"bye\n"
    assert holder_of(keeper) == holder


def test_it_has_neither_the_lock_nor_a_link_of_the_keeper(keeper: Keeper) -> None:
    """Or a dead keeper would seem to live."""
    holder = holder_of(keeper)
    targets = [os.readlink(f"/proc/{holder}/fd/{fd}") for fd in os.listdir(f"/proc/{holder}/fd")]
    assert not [target for target in targets if target.endswith("/lock")]
    keeper.kill()
    assert keeper.link.ended()
    keeper.launch()


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "PIPE", "CHLD"])
def test_signals_do_not_end_it(keeper: Keeper, name: str) -> None:
    holder = holder_of(keeper)
    os.kill(holder, signal.Signals[f"SIG{name}"])
    keeper.start("r", program("sleeper"))
    assert is_alive(holder)


def test_a_stopped_holder_does_not_stop_the_keeper(keeper: Keeper) -> None:
    os.kill(holder_of(keeper), signal.SIGSTOP)
    keeper.start("r", program("echo_stdin"))
    keeper.write("r", b"x\n")
    assert keeper.await_output("r", b"got: x\n")


def test_it_is_small(keeper: Keeper) -> None:
    """Most of its memory is the keeper's as well: a fork copies nothing that is not written to (fork(2))."""
    text = Path(f"/proc/{holder_of(keeper)}/smaps_rollup").read_text("ascii")
    assert sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private")) < 2048


def test_the_last_words_of_a_dead_keeper_are_heard(keeper: Keeper) -> None:
    """A run that it let go of was held for ever when the next keeper was faster than the twin."""
    keeper.start("kept", program("sleeper"))
    pid = keeper.start("r", ["true"])
    keeper.link.event("exited", "r")
    holder = holder_of(keeper)
    held = len(os.listdir(f"/proc/{holder}/fd"))
    os.kill(holder, signal.SIGSTOP)
    keeper.link.ask("release", b"r")
    keeper.kill()
    with socket.socket(socket.AF_UNIX) as successor:
        successor.connect(keeper.home.holder_socket)
        os.kill(holder, signal.SIGCONT)
        assert successor.recv(1) == b"r"
        eventually(lambda: len(os.listdir(f"/proc/{holder}/fd")) < held)
    assert not is_alive(pid)
    replace(keeper, "kept")
