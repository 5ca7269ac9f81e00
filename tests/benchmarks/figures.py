"""What a benchmark gives: figures with their aims, and how they are made from many measurements."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

__all__ = ["Figure", "Pairs", "Scale", "Stopwatch", "alternately", "percentile", "spread", "stopwatch"]


class Figure(NamedTuple):
    """One measured number. ``aim`` is the most that it should be; None where it only explains the others."""

    what: str
    value: float
    unit: str
    aim: float | None = None
    detail: str = ""

    @property
    def missed(self) -> bool:
        """True when the figure is above its aim."""
        return self.aim is not None and self.value > self.aim


class Scale(NamedTuple):
    """How much is done. The defaults are the figures that are published."""

    pairs: int = 15
    """Of short commands and of blocks of requests; floods take a third of it."""
    requests: int = 500
    """In one block."""
    processes: int = 30
    """In the list."""
    bulk_bytes: int = 1_000_000_000
    log_bytes: int = 5_000_000_000
    """Of the log of which a little is read."""
    lines: int = 1_000_000
    alternations: int = 4000
    """Lines in turn to stdout and stderr."""
    starts: int = 200
    burst: int = 100
    """Started, stopped or recovered at once."""
    crowd: int = 1000
    """That many processes tell the memory that each costs."""
    idle_seconds: float = 60.0
    flood_seconds: float = 30.0
    kept_bytes: int = 64 * 1024 * 1024
    """The limit of a stream while it is flooded."""
    followed_lines: int = 1500
    """Of which each one's way to a follower is timed."""
    followed_seconds: float = 10.0
    settle: bool = True
    """Wait until the daemon's worker threads have ended, which takes them ten seconds."""

    @property
    def floods(self) -> int:
        """How many pairs of a gigabyte."""
        return max(self.pairs // 3, 1)


class Pairs(NamedTuple):
    """Medians in seconds, and the median of the ratio of each pair."""

    ours: float
    base: float
    ratio: float
    times: int

    def said(self) -> str:
        """``38.1 ms against 16.4 ms, 15 pairs``."""
        return f"{_seconds(self.ours)} against {_seconds(self.base)}, {self.times} pairs"


class Stopwatch:
    """``seconds`` holds what a block of `stopwatch` took."""

    seconds = 0.0


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Time the block."""
    watch = Stopwatch()
    begun = time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - begun


def alternately(count: int, ours: Callable[[], float], base: Callable[[], float], *, warm_up: bool = True) -> Pairs:
    """A B A B: what else the machine does meanwhile falls on both. Each gives the seconds that it took."""
    if warm_up:
        ours(), base()
    pairs = [(ours(), base()) for _ in range(count)]
    return Pairs(
        statistics.median(pair[0] for pair in pairs),
        statistics.median(pair[1] for pair in pairs),
        statistics.median(pair[0] / pair[1] for pair in pairs),
        count,
    )


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least ``share`` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def spread(what: str, seconds: list[float], aims: tuple[float, float]) -> list[Figure]:
    """The p50 and p99 of times in seconds, as milliseconds with their aims."""
    count = f"of {len(seconds)}"
    return [
        Figure(f"{what}, p50", percentile(seconds, 0.5) * 1000, "ms", aims[0], count),
        Figure(f"{what}, p99", percentile(seconds, 0.99) * 1000, "ms", aims[1], count),
    ]


def _seconds(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.1f} ms" if seconds >= 0.001 else f"{seconds * 1e6:.0f} µs"
