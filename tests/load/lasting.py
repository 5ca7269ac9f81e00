"""Starts, stops and what it costs to be there: bursts, idling, the first answer, the way back after a kill."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil

from persistproc_core.client import Client
from tests.benchmarks import beginning, facts, starting
from tests.benchmarks.figures import Scale, percentile
from tests.benchmarks.hub import Hub, run_timed, start_sleeper
from tests.load.rows import Row, Size

__all__ = ["burst", "cold", "command", "idle", "recovery", "starts"]

_SILENT = 5


def starts(hub: Hub, size: Size) -> list[Row]:
    """from the request to the reply that says the command was executed, one after another"""
    p50, p99, *_ = starting.start(hub, Scale(starts=size.starts))
    return [
        Row("start to reply, p50", p50.value, "ms", 15, p50.detail),
        Row("start to reply, p99", p99.value, "ms", 50, p99.detail),
    ]


def burst(hub: Hub, size: Size) -> list[Row]:
    """200 starts at once over 10 connections, then 200 stops, each on a connection of its own"""
    names = [f"burst-{number}" for number in range(size.starts)]
    began = hub.each(names, start_sleeper)
    running = hub.client.list_processes(running=True)["processes"]
    assert len(running) == size.starts, len(running)
    ended = hub.each(names, _stop, connections=min(200, size.starts))
    hub.remove(names)
    return [
        Row(f"{size.starts} starts in a burst", began, "s", 5, "0 errors"),
        Row(f"{size.starts} stops in a burst", ended, "s", 5, "0 errors"),
    ]


def _stop(client: Client, name: str) -> object:
    return client.stop_process(process=name)


def idle(hub: Hub, size: Size) -> list[Row]:
    """nothing happens for a minute, with 5 silent processes"""
    with hub.sleepers(_SILENT):
        pids = hub.parts()
        hub.settle(size.settle)
        before = {who: facts.activity(pid) for who, pid in pids.items()}
        used = facts.cpu_seconds(hub.daemon.pid)
        time.sleep(size.idle_seconds)  # not to wait for something: that nothing happens for so long is the figure
        woken = {who: facts.activity(pid).since(before[who]).switches for who, pid in pids.items()}
        used = facts.cpu_seconds(hub.daemon.pid) - used
        resident = psutil.Process(hub.daemon.pid).memory_info().rss / 2**20
    seconds = f"in {size.idle_seconds:g} s"
    return [
        Row("idle daemon, memory", resident, "MiB", 35),
        *(Row(f"idle {who}, wake-ups {seconds}", count, "", 0) for who, count in woken.items()),
        Row(f"idle daemon, processor time {seconds}", used, "s", 0),
    ]


def cold(hub: Hub, size: Size) -> list[Row]:
    """from the daemon's fork until it accepts connections, keeper included"""
    first, *_ = beginning.cold(hub, Scale(pairs=size.pairs * 3))
    return [Row("daemon, cold start to ready", first.value, "ms", 700)]


def command(hub: Hub, size: Size) -> list[Row]:
    """``persistproc list --json`` as a whole process"""
    script = Path(sys.executable).with_name("persistproc")
    words = [str(script)] if script.exists() else [sys.executable, "-m", "persistproc_cli"]
    with hub.sleepers(_SILENT):
        seconds = [
            run_timed([*words, "list", "--json"], cwd=hub.directory, env=hub.environment, stdout=subprocess.DEVNULL)
            for _ in range(size.commands)
        ]
    return [Row("persistproc list --json, p50", percentile(seconds, 0.5) * 1000, "ms", 120, f"of {len(seconds)}")]


def recovery(hub: Hub, size: Size) -> list[Row]:
    """kill -9 of the daemon with 100 children, and another start"""
    ready, listed = beginning.recovery(hub, Scale(burst=size.recovered))
    return [
        Row(f"recovery with {size.recovered} children, until ready", ready.value, "ms", 1500),
        Row(f"recovery with {size.recovered} children, from ready to all listed", listed.value, "ms", 1000),
    ]
