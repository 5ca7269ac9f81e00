"""How much is kept, and what the keeper tells the daemon about it."""

from __future__ import annotations

import os
import sys

import pytest

from persistproc_core.keeper.wire import pack
from tests.keeper.rig import Keeper
from tests.kit import eventually, numbered, program, wait_gone

MIB = 1024 * 1024


def test_a_run_has_a_limit_of_its_own(keeper: Keeper) -> None:
    folder = keeper.run("r", program("write_bytes", 5 * MIB), keep=MIB)
    segments = folder.segments("stdout")
    assert segments[-1].end == 5 * MIB
    assert MIB <= sum(len(segment.data) for segment in segments) <= 1.5 * MIB
    assert all(segment.data == numbered(len(segment.data), segment.start) for segment in segments)


def test_the_limit_holds_for_the_next_keeper(keeper: Keeper) -> None:
    pid = keeper.start("r", ["sh", "-c", 'read line; exec "$@"', "sh", *program("write_bytes", 2 * MIB)], keep=MIB)
    keeper.kill()
    keeper.launch()
    keeper.adopt("r", keep=MIB // 2)
    keeper.write("r", b"go\n")
    wait_gone(pid)
    keeper.link.ask("drain", b"r")
    kept = sum(len(segment.data) for segment in keeper.folder("r").segments("stdout"))
    assert MIB // 2 <= kept <= MIB * 3 // 4


def test_new_segments_are_told_by_four_mebibytes(keeper: Keeper) -> None:
    """Of nine: not the first one, which the start has told, and not each small one."""
    for name, keep in (("large", 64 * MIB), ("small", MIB)):
        keeper.run(name, program("write_bytes", 9 * MIB), keep=keep)
        assert keeper.link.events().count([b"rolled", name.encode()]) == 2


def test_old_segments_may_be_deleted_at_any_time(keeper: Keeper) -> None:
    keeper.start(
        "r", ["sh", "-c", 'for i in 1 2 3; do "$@"; read line; done', "sh", *program("write_bytes", MIB)], keep=MIB
    )
    for number in range(1, 4):
        keeper.link.tell("watch", b"r", b"%d" % (number * MIB - 1), b"0")
        keeper.link.event("grew", "r")
        segments = keeper.folder("r").segments("stdout")
        assert segments[-1].end == number * MIB
        for segment in segments[:-1]:
            (keeper.folder("r").path / f"stdout-{segment.start:020d}.log").unlink()
        keeper.write("r", b"next\n")
    keeper.link.event("exited", "r")
    assert keeper.log() == ""


def test_a_run_that_nobody_here_started(keeper: Keeper) -> None:
    """`persistproc capture`: another program writes to the FIFOs that the keeper made."""
    directory = keeper.make_folder("r")
    keeper.adopt("r")
    fd = os.open(directory + b"/stdout", os.O_RDWR)
    os.write(fd, b"captured\n")
    assert keeper.await_output("r", b"captured\n") == b"captured\n"
    os.write(fd, b"last")
    os.close(fd)
    keeper.link.ask("drain", b"r")
    keeper.release("r")
    assert keeper.folder("r").stdout == b"captured\nlast"
    assert not keeper.folder("r").names() & {"stdin", "stdout", "stderr"}


@pytest.mark.skipif(os.uname().machine not in ("x86_64", "aarch64"), reason="its system calls are not known")
@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_what_a_child_is_blocked_on(keeper: Keeper) -> None:
    pid = keeper.start("r", program("echo_stdin"))
    keeper.await_output("r", b"ready")
    eventually(lambda: keeper.link.ask("blocked", b"%d" % pid, b"999999999") == [pack([b"read 0"]), b""])
