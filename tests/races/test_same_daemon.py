"""Many who find no daemon, and start one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from persistproc_core.client import Client
from persistproc_core.paths import Home
from tests.kit import Daemon, wait_gone
from tests.kit.daemon import environment
from tests.races.crowd import FULL

RACERS = {1: 50 if FULL else 20, 2: 50 if FULL else 20}
"""How many race in the first and in the second life of the daemon."""


def race(home: Home, folder: Path, count: int) -> list[tuple[int, bytes, bytes]]:
    """Exit code, output and errors of each of so many ``persistproc list --json``."""
    command = [sys.executable, "-m", "persistproc_cli", "list", "--json"]
    racers = [
        subprocess.Popen(
            command,
            cwd=folder,
            env=environment(home, PYTHONSAFEPATH="1"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(count)
    ]
    try:
        return [(racer.wait(60), out, err) for racer in racers for out, err in [racer.communicate(timeout=60)]]
    finally:
        for racer in racers:
            if racer.poll() is None:
                racer.kill()
                racer.wait()


def starts(home: Home) -> int:
    """How often a daemon got as far as to serve this home."""
    return Path(home.log).read_text("utf-8").count("daemon.started")


@pytest.mark.timeout(120)
def test_fifty_command_lines_start_one_daemon(
    home: Home, new_daemon: Callable[..., Daemon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)
    cleaned_up = new_daemon(home)
    for lives in (1, 2):
        for code, out, err in race(home, tmp_path, RACERS[lives]):
            assert (code, err) == (0, b"")
            assert json.loads(out) == {"processes": []}
        assert starts(home) == lives
        with Client(autostart=False) as client:
            cleaned_up.pid = client.hello["pid"]
        if lives == 1:
            # Its socket stays behind, and everybody finds it.
            os.kill(cleaned_up.pid, signal.SIGKILL)
            wait_gone(cleaned_up.pid)
            assert os.path.exists(home.socket)
