"""The daemon's own start: on a fresh home, and after a kill -9 with processes that run on."""

from __future__ import annotations

import sys

from tests.benchmarks.figures import Figure, Scale, alternately, stopwatch
from tests.benchmarks.hub import Hub, run_timed

__all__ = ["cold", "recovery"]

_DEPENDENCIES = [sys.executable, "-c", "import anyio._backends._trio, trio, jsonrpcserver, psutil"]


def cold(hub: Hub, scale: Scale) -> list[Figure]:
    """from the daemon's fork until it accepts connections, keeper included, against the import of its dependencies"""

    def ours() -> float:
        hub.daemon.shut_down()
        with stopwatch() as watch:
            hub.daemon.start()
        return watch.seconds

    timed = alternately(scale.floods, ours, lambda: run_timed(_DEPENDENCIES))
    return [
        Figure("cold start", timed.ours * 1000, "ms", 700),
        Figure("cold start, against its imports", timed.ratio, "x", None, timed.said()),
    ]


def recovery(hub: Hub, scale: Scale) -> list[Figure]:
    """the daemon is killed with kill -9 and started again: until all processes are listed as running"""
    with hub.sleepers(scale.burst) as names:
        pids = {info["name"]: info["pid"] for info in hub.client.list_processes(running=True)["processes"]}
        assert pids.keys() == set(names)
        hub.daemon.kill()
        with stopwatch() as until_ready:
            hub.daemon.start()
        with stopwatch() as until_listed:
            listed = hub.client.list_processes(running=True)["processes"]
        assert {info["name"]: info["pid"] for info in listed} == pids, "the first list after a recovery is not complete"
    return [
        Figure("recovery, until ready", until_ready.seconds * 1000, "ms", 1500, f"{scale.burst} processes"),
        Figure("recovery, from ready until all are listed", until_listed.seconds * 1000, "ms", 1000),
    ]
