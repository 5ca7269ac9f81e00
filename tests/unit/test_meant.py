"""A signal goes to the process that was looked at, or to nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from persistproc_core.meant import signal_meant


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("pidfd", [True, False], ids=["pidfd", "number"])
def test_only_who_is_meant(child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, pidfd: bool) -> None:
    if not pidfd:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    looked: list[int] = []

    def refuse(pid: int) -> bool:
        looked.append(pid)
        return False

    assert not signal_meant(child.pid, signal.SIGKILL, refuse)
    assert (looked, child.poll()) == ([child.pid], None)
    assert signal_meant(child.pid, signal.SIGTERM, lambda pid: True)
    assert child.wait(10) == -signal.SIGTERM
    assert not signal_meant(child.pid, signal.SIGTERM, lambda pid: True)


def test_who_ends_during_the_look_is_not_followed_by_its_number(child: subprocess.Popen[bytes]) -> None:
    """The number is anybody's after that."""

    def look(pid: int) -> bool:
        child.kill()
        child.wait()
        return True

    assert not signal_meant(child.pid, signal.SIGTERM, look)
