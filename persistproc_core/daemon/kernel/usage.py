"""Processor time and memory of the processes of a run, measured when somebody asks and never in between."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from . import procfs
from .identity import HAVE_PROCFS

__all__ = ["Usage", "UsageMeter", "resident_bytes"]

SHORTEST_WINDOW = 0.5
"""Seconds. The kernel counts in ticks of some 10 ms: a second question this soon gets the answer of the first."""

_FORGET_AFTER = 3600.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Usage(NamedTuple):
    """What the processes of a run use together."""

    cpu_percent: float | None
    """Of one core, since the last question, else since the first of them started. None when nothing could be read."""
    memory_bytes: int | None
    """Resident memory; pages that several of them share count for each. None when nothing could be read."""


class _One(NamedTuple):
    """One process. Its start keeps it apart from a later one of the same pid."""

    pid: int
    start: float
    """On the clock of `_now`, in seconds."""
    cpu: float
    """Seconds, user and system."""
    memory: int


class _Sample(NamedTuple):
    """The answer to the last question about a run."""

    at: float
    cpu: dict[tuple[int, float], float]
    percent: float


class UsageMeter:
    """Measures runs. May be used from several threads."""

    def __init__(self) -> None:
        self._samples: dict[str, _Sample] = {}
        self._lock = threading.Lock()

    def measure(self, pids: Mapping[str, Iterable[int]]) -> dict[str, Usage]:
        """The usage of each run by its id. A run without processes is forgotten."""
        with self._lock:
            usages = {run_id: self._measure(run_id, members) for run_id, members in pids.items()}
            oldest = _now() - _FORGET_AFTER
            self._samples = {run_id: sample for run_id, sample in self._samples.items() if sample.at > oldest}
        return usages

    def _measure(self, run_id: str, members: Iterable[int]) -> Usage:
        found = [one for one in map(_look, sorted(set(members))) if one is not None]
        if not found:
            self._samples.pop(run_id, None)
            return Usage(None, None)
        sample = self._samples.get(run_id)
        now = _now()
        if sample is None:
            percent = _percent(sum(one.cpu for one in found), now - min(one.start for one in found))
        elif 0 <= now - sample.at < SHORTEST_WINDOW:
            return Usage(sample.percent, sum(one.memory for one in found))
        else:
            percent = _percent(sum(_spent(one, sample) for one in found), now - sample.at)
        self._samples[run_id] = _Sample(now, {(one.pid, one.start): one.cpu for one in found}, percent)
        return Usage(percent, sum(one.memory for one in found))


def _spent(one: _One, sample: _Sample) -> float:
    before = sample.cpu.get((one.pid, one.start))
    if before is not None:
        return max(0.0, one.cpu - before)
    # Not seen before: all of its time counts when it is new; of an older one nobody knows how much was before.
    return one.cpu if one.start >= sample.at - 0.05 else 0.0


def _percent(cpu: float, seconds: float) -> float:
    return round(100 * cpu / max(seconds, 0.01), 1)


def _now() -> float:
    # The clock on which the kernel tells when a process started. psutil makes a date of that with the boot time in
    # whole seconds: a process would be up to a second older or younger than it is, and its percentage nonsense.
    return time.clock_gettime(time.CLOCK_BOOTTIME) if HAVE_PROCFS else time.time()


def _look(pid: int) -> _One | None:
    if not HAVE_PROCFS:
        return _look_by_psutil(pid)
    stat = procfs.read_stat(pid)
    if stat is None or not stat.alive:
        return None
    return _One(pid, stat.start / _TICKS, stat.cpu / _TICKS, stat.resident * _PAGE)


def _look_by_psutil(pid: int) -> _One | None:
    import psutil

    try:
        process = psutil.Process(pid)
        with process.oneshot():
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            times = process.cpu_times()
            return _One(pid, process.create_time(), times.user + times.system, process.memory_info().rss)
    except (psutil.Error, OSError):
        return None


def resident_bytes(pid: int) -> int | None:
    """Resident memory of one process; None when it is gone or may not be read."""
    one = _look(pid)
    return None if one is None else one.memory
