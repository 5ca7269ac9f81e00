"""Questions: of one client, of fifty at once, of two thousand that come at the same moment."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import percentile, stopwatch
from tests.benchmarks.hub import Hub
from tests.fuzz.live import Memory, Probe
from tests.load.rows import Row, Size, times

__all__ = ["connections", "listing", "mixed"]

_RUNS = 20
_CLIENTS = 50


def listing(hub: Hub, size: Size) -> list[Row]:
    """``list_processes`` with 20 runs, by one client on one connection"""
    seconds = []
    with hub.sleepers(_RUNS), hub.daemon.connect() as connection:
        for _ in range(size.requests):
            with stopwatch() as watch:
                connection.call("list_processes", working_directory=hub.directory)
            seconds.append(watch.seconds)
    return times("list with 20 runs", seconds, 1, 5)


def mixed(hub: Hub, size: Size) -> list[Row]:
    """50 clients at once: 45 ask (list, status, output, paths, marks), 5 restart a process each, all the time"""
    with hub.sleepers(_RUNS) as names:
        told = _crowd(hub, _CLIENTS, size.mixed_seconds, names)
    answered = len(told["asked"]) + len(told["restarts"])
    assert told["errors"] == 0, told["errors"]
    return [
        Row("50 clients mixed, requests a second", answered / told["seconds"], "", 1000, at_least=True),
        *times("50 clients mixed, a question", told["asked"], None, 50),
        *times("50 clients mixed, a restart", told["restarts"], None, 1000),
    ]


def connections(hub: Hub, size: Size) -> list[Row]:
    """2,000 clients connect at the same moment (256 are served at a time) and ask one thing each"""
    memory = Memory(hub.daemon.pid)
    with hub.sleepers(1) as names, Probe(hub.daemon.socket) as probe:
        told = _crowd(hub, size.connections, 0, names)
        beside = probe.seconds()
    assert told["errors"] == 0, told["errors"]
    assert len(told["asked"]) == size.connections
    return [
        Row(f"{size.connections:,} connections, until all are answered", told["seconds"], "s", 1.0),
        Row(
            f"{size.connections:,} connections, one that was there before, p99",
            percentile(beside, 0.99) * 1000,
            "ms",
            50,
        ),
        Row(f"{size.connections:,} connections, memory of the daemon", memory.grown_mib(), "MiB", 8),
    ]


def _crowd(hub: Hub, count: int, seconds: float, names: list[str]) -> dict[str, Any]:
    program = str(Path(__file__).with_name("crowd.py"))
    command = [sys.executable, "-I", "-S", program, hub.daemon.socket, str(count), str(seconds), hub.directory, *names]
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", timeout=seconds + 120, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told
