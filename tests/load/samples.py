"""What long-lived processes hold, sampled every few seconds, and whether it grows."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import psutil

from tests.benchmarks import facts

__all__ = ["HEAD", "Sample", "Series", "sample"]

HEAD = f"{'part':10} {'what':14} {'first':>10} {'last':>10} {'least':>10} {'most':>10} {'slope':>14}"
_MOST_MIB_PER_HOUR = 1.0
_STEP_MIB = 1.0
"""An allocator takes memory in steps up to this, and one of them is a slope over a short time."""
_SETTLED = 5
"""Of fewer samples a quarter says nothing: a connection that is just open in one look is no growth."""
_LASTING = 3
"""A zombie that is seen in so many samples in a row is not just about to be reaped."""


class Sample(NamedTuple):
    """One look at a process."""

    time: float
    pid: int
    memory_mib: float
    descriptors: int
    threads: int
    switches: int
    zombies: frozenset[int]


def sample(pid: int) -> Sample:
    """Look at it. Raises `psutil.Error` when it is gone."""
    process = psutil.Process(pid)
    zombies = frozenset(child.pid for child in process.children() if _is_zombie(child))
    with process.oneshot():
        return Sample(
            time.monotonic(),
            pid,
            process.memory_info().rss / 2**20,
            process.num_fds(),
            process.num_threads(),
            facts.activity(pid).switches,
            zombies,
        )


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


@dataclass
class Series:
    """All samples of one part; its pid changes when it is replaced."""

    part: str
    samples: list[Sample] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    def lines(self, warm: float) -> list[str]:
        """The rows of the table; what is wrong is noted in ``findings``. ``warm``: seconds after which it counts.

        Only the newest process of the part counts: what one that was replaced had held is gone.
        """
        newest = [each for each in self.samples if each.pid == self.samples[-1].pid]
        used = [each for each in newest if each.time - newest[0].time >= warm] or newest
        self._judge(used)
        lives = len({each.pid for each in self.samples})
        rows: list[tuple[str, Sequence[float], str]] = [
            ("memory MiB", [each.memory_mib for each in used], f"{_slope(used):+.2f} MiB/h"),
            ("descriptors", [each.descriptors for each in used], ""),
            ("threads", [each.threads for each in used], ""),
            ("zombies", [len(each.zombies) for each in used], ""),
            ("wake-ups /s", _rates(used), f"{lives} {'life' if lives == 1 else 'lives'}"),
        ]
        return [_row(self.part, what, values, slope) for what, values, slope in rows]

    def _judge(self, used: list[Sample]) -> None:
        grown = used[-1].memory_mib - used[0].memory_mib
        if _slope(used) > _MOST_MIB_PER_HOUR and grown > _STEP_MIB:
            self.findings.append(f"{self.part}: memory grows by {_slope(used):.2f} MiB/h ({grown:.1f} MiB in all)")
        quarter = len(used) // 4
        first, last = used[:quarter], used[-quarter:]
        if quarter >= _SETTLED and min(each.descriptors for each in last) > max(each.descriptors for each in first):
            self.findings.append(f"{self.part}: descriptors grow from {first[0].descriptors} to {last[-1].descriptors}")
        for three in zip(*(self.samples[start:] for start in range(_LASTING)), strict=False):
            lasting = frozenset.intersection(*(each.zombies for each in three))
            if lasting:
                self.findings.append(f"{self.part}: zombies that stay: {sorted(lasting)}")
                return


def _slope(used: list[Sample]) -> float:
    """MiB an hour, by least squares."""
    if len(used) < 3:
        return 0.0
    return statistics.linear_regression([each.time for each in used], [each.memory_mib for each in used]).slope * 3600


def _rates(used: list[Sample]) -> list[float]:
    pairs = itertools.pairwise(used)
    # A thread that ended between two looks has taken its count with it.
    return [max(0, after.switches - before.switches) / (after.time - before.time) for before, after in pairs] or [0.0]


def _row(part: str, what: str, values: Sequence[float], slope: str) -> str:
    shown = " ".join(f"{value:>10.1f}" for value in (values[0], values[-1], min(values), max(values)))
    return f"{part:10} {what:14} {shown} {slope:>14}".rstrip()
