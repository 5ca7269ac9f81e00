"""Floods of output, against the same program with its output redirected to a file."""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path

from tests.benchmarks import facts
from tests.benchmarks.figures import Figure, Scale, alternately, stopwatch
from tests.benchmarks.hub import Hub, run_timed

__all__ = ["bulk", "lines"]

_WRITER = str(Path(__file__).with_name("writer.py"))
_LINE = 80


def bulk(hub: Hub, scale: Scale) -> list[Figure]:
    """a child writes 1 GB in blocks of 64 KiB, from the start's request to the told end, against ``> file``"""
    return _flood(hub, "bulk", scale.bulk_bytes, 64 * 1024, scale.floods, 1.5)


def lines(hub: Hub, scale: Scale) -> list[Figure]:
    """a child writes 1,000,000 lines of 80 bytes, one a write, against ``> file``"""
    return _flood(hub, "lines", scale.lines * _LINE, _LINE, scale.floods, 1.0)


def _flood(hub: Hub, name: str, total: int, block: int, count: int, aim: float) -> list[Figure]:
    command = [sys.executable, "-I", "-S", _WRITER, str(total), str(block)]
    keeper, daemon = hub.keeper_pid, hub.daemon.pid
    spent: list[tuple[float, float]] = []

    def ours() -> float:
        before = facts.cpu_seconds(keeper), facts.cpu_seconds(daemon)
        with stopwatch() as watch:
            hub.client.start_process(command=command, name=name)
            ended = hub.client.wait_for_process(process=name, exit=True, timeout_seconds=3600)
        spent.append((facts.cpu_seconds(keeper) - before[0], facts.cpu_seconds(daemon) - before[1]))
        assert ended["exit_code"] == 0, ended["reason"]
        streams = {log["stream"]: log["bytes"] for log in hub.client.get_process_log_paths(process=name)["streams"]}
        assert streams["stdout"] == total, f"{total} bytes were written, {streams['stdout']} are in the log"
        hub.remove([name])
        return watch.seconds

    def base() -> float:
        # Beside the home, so on the same disk; deleted before the kernel has to write most of it there.
        path = os.path.join(hub.directory, "redirected")
        with open(path, "wb") as file:
            seconds = run_timed(command, stdout=file)
        assert os.path.getsize(path) == total
        os.unlink(path)
        return seconds

    timed = alternately(count, ours, base, warm_up=False)
    return [
        Figure(name, timed.ratio, "x", aim, timed.said()),
        Figure(f"{name}, processor time of the keeper", statistics.median(keep for keep, _ in spent), "s"),
        Figure(f"{name}, processor time of the daemon", statistics.median(rest for _, rest in spent), "s"),
    ]
