"""The gate: a command runs only after its pid is on disk, or never. So nothing alive is ever unknown."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import psutil
import pytest

from tests.keeper.rig import Keeper, Refused
from tests.kit import eventually, wait_gone


def test_the_keeper_dies_before_the_gate_opens(keeper: Keeper, tmp_path: Path) -> None:
    """kill -9 between fork and gate.

    The keeper is held there by a FIFO in the place of the file that it writes the pid to: opening it for writing
    waits for a reader.
    """
    order = keeper.order("r", ["touch", str(tmp_path / "ran")])
    os.mkfifo(keeper.folder("r").path / "spawned.new")
    keeper.link.send("start", *order)
    parent = psutil.Process(keeper.pid)
    eventually(lambda: parent.children(), what="a child at the gate")
    (child,) = parent.children()
    keeper.kill()
    wait_gone(child.pid)
    assert not (tmp_path / "ran").exists()
    assert not (keeper.folder("r").path / "spawned").exists()


def test_the_command_runs_when_the_gate_opens(keeper: Keeper, tmp_path: Path) -> None:
    """The same with a reader: proof that the test above holds the child at the gate and nowhere else."""
    order = keeper.order("r", ["touch", str(tmp_path / "ran")])
    fifo = keeper.folder("r").path / "spawned.new"
    os.mkfifo(fifo)
    number = keeper.link.send("start", *order)
    eventually(psutil.Process(keeper.pid).children)
    assert not (tmp_path / "ran").exists()
    pid, start, *_ = fifo.read_bytes().split()
    assert keeper.link.answer(number) == [pid, start]
    keeper.link.event("exited", "r")
    assert (tmp_path / "ran").exists()


def test_a_pid_that_cannot_be_written_down_never_runs(keeper: Keeper, tmp_path: Path) -> None:
    order = keeper.order("r", ["touch", str(tmp_path / "ran")])
    (keeper.folder("r").path / "spawned.new").mkdir()
    with pytest.raises(Refused) as caught:
        keeper.link.ask("start", *order)
    assert (caught.value.stage, caught.value.errno) == ("keeper", errno.EISDIR)
    assert psutil.Process(keeper.pid).children() == []
    assert keeper.link.ask("list") == []
    assert not (tmp_path / "ran").exists()


def test_the_pid_is_on_disk_before_the_command_runs(keeper: Keeper) -> None:
    folder = keeper.folder("r").path
    text = keeper.run("r", ["cat", str(folder / "spawned")]).stdout
    assert [int(word) for word in text.split()] == keeper.folder("r").spawned()
