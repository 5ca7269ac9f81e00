"""A keeper dies, the next one goes on where it stopped: every byte once, and no child notices."""

from __future__ import annotations

import os
import signal

import pytest

from tests.keeper.rig import Keeper, Refused
from tests.kit import is_alive, numbered, program, wait_gone


def lines_are_complete(data: bytes, name: bytes) -> bool:
    """True when the steady writer's lines are all there, in order, each once, with its last one."""
    lines = [line.rstrip() for line in data.split(b"\n")]
    count = len(lines) - 2
    return lines == [b"%s %d" % (name, number) for number in range(count)] + [b"%s end %d" % (name, count), b""]


def replace(keeper: Keeper, *runs: str) -> None:
    keeper.kill()
    keeper.launch()
    for run_id in runs:
        keeper.adopt(run_id)


@pytest.mark.parametrize("pause", ["0", "0.3"])
def test_every_byte_once_over_five_deaths(keeper: Keeper, pause: str) -> None:
    """With a writer that never pauses, the keeper is always in the middle of a move when it is killed."""
    pid = keeper.start("r", program("steady_writer", pause, 40))
    for number in range(1, 6):
        keeper.await_output("r", b"out %d " % (number * 100))
        replace(keeper, "r")
        assert is_alive(pid)
    seen = keeper.folder("r").stdout.rstrip(b"\n").count(b"\n")
    keeper.await_output("r", b"out %d " % (seen + 100))
    os.kill(pid, signal.SIGTERM)
    wait_gone(pid)
    keeper.link.ask("drain", b"r")
    folder = keeper.folder("r")
    assert lines_are_complete(folder.stdout, b"out")
    assert lines_are_complete(folder.stderr, b"err")
    ends = [(mark.stdout, mark.stderr) for mark in folder.marks()]
    assert ends == sorted(ends)
    assert ends[-1] == (len(folder.stdout), len(folder.stderr))


def test_what_was_written_while_no_keeper_lived_is_read_by_the_next(keeper: Keeper) -> None:
    pid = keeper.start("r", program("echo_stdin"))
    keeper.await_output("r", b"ready\n")
    keeper.kill()
    keeper.write("r", b"alone\n")
    assert is_alive(pid)
    keeper.launch()
    keeper.adopt("r")
    assert keeper.await_output("r", b"alone\n") == b"ready\ngot: alone\n"


def test_a_child_that_writes_more_than_its_fifo_holds_waits_for_the_next_keeper(keeper: Keeper) -> None:
    """It neither dies of SIGPIPE nor loses a byte."""
    size = 1_000_000
    pid = keeper.start("r", ["sh", "-c", 'read line; exec "$@"', "sh", *program("write_bytes", size)])
    keeper.kill()
    keeper.write("r", b"go\n")
    keeper.launch()
    assert is_alive(pid)
    keeper.adopt("r")
    wait_gone(pid)
    keeper.link.ask("drain", b"r")
    assert keeper.folder("r").stdout == numbered(size)


def test_adopting_twice_and_adopting_ones_own_child_changes_nothing(keeper: Keeper) -> None:
    keeper.start("mine", program("echo_stdin"))
    keeper.adopt("mine")
    keeper.await_output("mine", b"ready")
    replace(keeper, "mine", "mine")
    keeper.write("mine", b"once\n")
    assert keeper.await_output("mine", b"once\n") == b"ready\ngot: once\n"
    assert len(keeper.link.ask("list")) == 1


def test_an_adopted_run_is_never_signalled_by_number(keeper: Keeper) -> None:
    """It is not this keeper's child: its number could be anybody's by now."""
    pid = keeper.start("r", program("sleeper"))
    replace(keeper, "r")
    assert keeper.signal("r", 15) == b"gone"
    assert is_alive(pid)


def test_a_run_whose_folder_is_gone_cannot_be_adopted(keeper: Keeper) -> None:
    with pytest.raises(Refused) as caught:
        keeper.adopt("never")
    assert caught.value.stage == "keeper"
    assert keeper.link.ask("list") == []


def test_the_ended_writers_of_an_adopted_run_cost_nothing(keeper: Keeper) -> None:
    """poll(2) reports a FIFO without writers for ever: the loop must not spin on it."""
    pid = keeper.start("r", program("sleeper"))
    replace(keeper, "r")
    os.kill(pid, signal.SIGKILL)
    wait_gone(pid)
    keeper.link.ask("drain", b"r")
    before = cpu_ticks(keeper.pid)
    for _ in range(50):
        keeper.link.ask("list")
    assert switches_after_a_quiet_moment(keeper) < 5
    assert cpu_ticks(keeper.pid) - before < 20


def cpu_ticks(pid: int) -> int:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        words = file.read().rpartition(")")[2].split()
    return int(words[11]) + int(words[12])


def switches_after_a_quiet_moment(keeper: Keeper) -> int:
    """How often the keeper woke up while a child of its own slept a fifth of a second and nobody asked anything."""

    def read() -> int:
        with open(f"/proc/{keeper.pid}/status", encoding="ascii") as file:
            return int(next(line for line in file if line.startswith("voluntary")).split()[1])

    keeper.link.ask("list")
    before = read()
    keeper.run("quiet", ["sleep", "0.2"])
    return read() - before - 5
