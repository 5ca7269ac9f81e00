"""A twin of the keeper that was slow to end removed the socket of the twin that had taken its place; the keeper after
that could not find it, and made a third one which held nothing."""

from __future__ import annotations

import os
import signal

from tests.keeper.rig import Keeper
from tests.keeper.test_holder import holder_of
from tests.kit import wait_gone


def test_a_twin_removes_its_own_alone(dormant: Keeper) -> None:
    keeper = dormant
    keeper.launch()
    former = holder_of(keeper)
    os.kill(former, signal.SIGSTOP)
    keeper.kill()
    path = keeper.home.holder_socket
    os.unlink(path)  # as one does who cleans up after the keeper
    keeper.launch()
    inode = os.stat(path).st_ino
    os.kill(former, signal.SIGCONT)
    wait_gone(former)
    assert os.stat(path).st_ino == inode
    keeper.start("r", ["sleep", "1000"])
    keeper.kill()
    keeper.launch()
    assert holder_of(keeper) != former
