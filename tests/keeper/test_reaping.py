"""A child that has ended stays a zombie until nothing of its run is left: its number cannot become a stranger's."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from persistproc_core.keeper.wire import unpack
from tests.keeper.rig import Keeper
from tests.kit import is_alive, program, wait_gone


def kernel_state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]


def test_a_zombie_until_released(keeper: Keeper) -> None:
    pid = keeper.start("r", ["true"])
    keeper.link.event("exited", "r")
    assert kernel_state(pid) == "Z"
    keeper.release("r")
    assert not os.path.exists(f"/proc/{pid}")
    assert keeper.link.ask("list") == []


def test_release_removes_the_fifos_and_keeps_the_log(keeper: Keeper) -> None:
    folder = keeper.run("r", ["echo", "hello"])
    keeper.release("r")
    assert folder.stdout == b"hello\n"
    assert not {"stdin", "stdout", "stderr"} & folder.names()
    keeper.release("r")  # twice is fine: a daemon that died in between asks again


def test_the_group_of_a_dead_leader_can_be_signalled(keeper: Keeper) -> None:
    """The zombie holds the group's number, so the signal cannot reach a stranger."""
    keeper.run("r", program("leader_dies"))
    member = int(keeper.folder("r").stdout.split()[1])
    assert is_alive(member)
    assert keeper.signal("r", signal.SIGKILL) == b"sent"
    wait_gone(member)


def test_group_and_leader(keeper: Keeper) -> None:
    keeper.start("r", program("spawn_tree", "plain", "background", "ignore-term"))
    words = keeper.await_output("r", b"ready").split()
    members = [int(words[1]), int(words[3])]
    assert keeper.signal("r", signal.SIGUSR1, "leader") == b"sent"
    assert keeper.link.event("exited", "r")[0].startswith(b"signal 10 ")
    assert all(map(is_alive, members))
    assert keeper.signal("r", signal.SIGUSR1, "group") == b"sent"
    for pid in members:
        wait_gone(pid)


def test_gone(keeper: Keeper) -> None:
    assert keeper.signal("never", 15) == b"gone"
    keeper.run("r", ["true"])
    keeper.release("r")
    assert keeper.signal("r", 15) == b"gone"


def test_a_release_does_not_wait_for_a_child_that_lives(keeper: Keeper) -> None:
    """The one thread of the keeper must never wait for a child."""
    pid = keeper.start("r", program("sleeper"))
    keeper.release("r")
    assert keeper.link.ask("list") == []
    os.kill(pid, signal.SIGKILL)
    wait_gone(pid)


def test_output_of_a_grandchild_after_the_leaders_end_is_kept(keeper: Keeper) -> None:
    keeper.start("r", ["sh", "-c", "exec 3<&0; (read line <&3; echo late) & echo early"])
    keeper.link.event("exited", "r")
    keeper.write("r", b"go\n")
    assert keeper.await_output("r", b"late\n") == b"early\nlate\n"


def test_the_list_tells_the_states(keeper: Keeper) -> None:
    pid = keeper.start("live", program("sleeper"))
    keeper.run("ended", ["false"])
    found = {fields[0]: fields[1:] for fields in map(unpack, keeper.link.ask("list"))}
    assert found[b"live"][0] == b"%d" % pid
    assert found[b"live"][2:] == [b"", b"started"]
    assert found[b"ended"][2].startswith(b"exit 1 ")


@pytest.mark.parametrize("number", [0, 64])
def test_unusual_signal_numbers(keeper: Keeper, number: int) -> None:
    keeper.start("r", program("sleeper"))
    assert keeper.signal("r", number) == b"sent"
