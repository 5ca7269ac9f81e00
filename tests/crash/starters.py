"""Many clients that find a dead daemon's socket, and start one (suite ``starters``): one daemon, all attached to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from persistproc_core.client import Client
from persistproc_core.paths import Home
from tests.crash.figures import Figures
from tests.crash.stage import Order, stage
from tests.kit import wait_gone
from tests.kit.waiting import read_until

__all__ = ["PROMISES", "RACERS", "run_starters"]

PROMISES = ("daemons_too_many", "not_attached", "stray")
RACERS = 50

_TREE = Path(__file__).resolve().parent.parent.parent
_TOGETHER_SECONDS = 60.0


def run_starters(order: Order) -> Figures:
    """Each round the daemon of the last one is killed, so that its socket stays behind."""
    figures = Figures("starters", PROMISES)
    real = sys.executable
    with stage(figures, order) as (home, _guard):
        command = [real, "-m", "tests.crash.racers", sys.executable, home.path]
        herd = subprocess.Popen(command, cwd=_TREE, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            for _ in range(order.size):
                _round(home, herd, figures)
                figures.n += 1
        finally:
            herd.communicate(timeout=10)
    return figures


def _round(home: Home, herd: subprocess.Popen[bytes], figures: Figures) -> None:
    assert herd.stdin is not None
    assert herd.stdout is not None
    before = _lives(home)
    herd.stdin.write(b"%d\n" % RACERS)
    herd.stdin.flush()
    told = [read_until(herd.stdout.fileno(), b"\n", _TOGETHER_SECONDS).decode().split() for _ in range(RACERS)]
    with Client(home=home.path, autostart=False) as client:
        hello = client.hello
    strangers = [line for line in told if line != ["attached", str(hello["pid"]), hello["instance"]]]
    if strangers:
        figures.find("not_attached", f"to {hello}: {strangers}", len(strangers))
    started = _lives(home) - before
    if started != 1:
        figures.find("daemons_too_many", f"{started} daemons were started", abs(started - 1))
    os.kill(hello["pid"], signal.SIGKILL)
    wait_gone(hello["pid"])
    if not os.path.exists(home.socket):
        figures.find("stray", "the killed daemon's socket is gone, so the next round would not find it")


def _lives(home: Home) -> int:
    """How often a daemon got as far as to serve."""
    try:
        return Path(home.log).read_text("utf-8").count("daemon.started")
    except FileNotFoundError:
        return 0
