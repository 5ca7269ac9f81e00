"""A daemon whose socket somebody deleted is asked for another one; nobody else ever gets that signal."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistproc_core.client import AsyncClient
from persistproc_core.client.autostart import wake_daemon
from persistproc_core.errors import DaemonUnavailable
from persistproc_core.paths import Home
from tests.kit import Daemon

pytestmark = pytest.mark.anyio

_SLEEP = "import time; time.sleep(1000)"


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that SIGUSR1 would end."""
    with subprocess.Popen([sys.executable, "-c", _SLEEP, "-m", "persistproc", "--home", "/x"]) as process:
        yield process
        process.kill()


@pytest.fixture
def daemon_of_another_home() -> Iterator[subprocess.Popen[bytes]]:
    """By its command line, the daemon of another home."""
    words = ["-m", "persistproc_core.daemon", "--home", "/another"]
    with subprocess.Popen([sys.executable, "-c", _SLEEP, *words]) as process:
        yield process
        process.kill()


def test_strangers_are_not_signalled(
    home: Home, stranger: subprocess.Popen[bytes], daemon_of_another_home: subprocess.Popen[bytes]
) -> None:
    home.ensure()
    for content in (str(stranger.pid), str(daemon_of_another_home.pid), "1", "0", "-5", "x", "", "9" * 19):
        Path(home.lock).write_text(f"{content}\n", "ascii")
        assert not wake_daemon(home, time.monotonic() + 10), content
    assert stranger.poll() is None
    assert daemon_of_another_home.poll() is None


async def test_a_client_asks(daemon: Daemon) -> None:
    """What takes the place of a file without deleting it first is not told to who watches for deletions."""
    stale = f"{daemon.home.path}/stale"
    for _ in range(2):  # the first one may still be seen by the look that the daemon takes when it has started
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(stale)
        os.rename(stale, daemon.socket)
        async with AsyncClient(home=daemon.home.path, autostart=False) as client:
            assert client.hello is not None
            assert client.hello["pid"] == daemon.pid


async def test_without_a_daemon_it_says_so(home: Home) -> None:
    client = AsyncClient(home=home.path, autostart=False)
    with pytest.raises(DaemonUnavailable, match="no persistproc daemon runs"):
        await client.connect()
