"""Rows of the table of load: what was measured, its aim, and whether that is met."""

from __future__ import annotations

from typing import NamedTuple

from tests.benchmarks.figures import percentile

__all__ = ["FULL", "HEAD", "QUICK", "SMOKE", "Row", "Size", "as_markdown", "as_text", "times"]

HEAD = "| what | aim | measured | met | |\n|---|---|---|---|---|"


class Row(NamedTuple):
    """One figure. ``aim`` is the most that it should be, or with ``at_least`` the least; None: only told."""

    what: str
    value: float
    unit: str
    aim: float | None = None
    detail: str = ""
    at_least: bool = False

    @property
    def met(self) -> bool:
        """True when it is within its aim."""
        return self.aim is None or (self.value >= self.aim if self.at_least else self.value <= self.aim)


class Size(NamedTuple):
    """How much load. The defaults are what is published."""

    requests: int = 2000
    mixed_seconds: float = 20.0
    starts: int = 200
    bulk_bytes: int = 1_000_000_000
    pairs: int = 3
    followed_seconds: float = 20.0
    line_bytes: int = 1 << 30
    connections: int = 2000
    idle_seconds: float = 60.0
    commands: int = 25
    recovered: int = 100
    calls: int = 20_000
    clients: int = 2000
    until_idle: bool = True
    """Wait until the daemon has closed the bridge's idle connections, which takes it a minute."""
    settle: bool = True
    """Wait until the daemon's worker threads have ended, which takes them ten seconds."""


FULL = Size()
QUICK = Size(400, 4.0, 50, 100_000_000, 1, 4.0, 1 << 27, 500, 10.0, 7, 30, 2000, 400, until_idle=False)
SMOKE = Size(20, 0.5, 4, 1_000_000, 1, 0.3, 1 << 20, 40, 0.1, 1, 3, 8, 8, until_idle=False, settle=False)
"""So small that its figures mean nothing: it shows that all of it works."""


def times(what: str, seconds: list[float], p50: float | None, p99: float) -> list[Row]:
    """The p50 and p99 of many times in seconds, with their aims in ms."""
    count = f"of {len(seconds)}"
    return [
        Row(f"{what}, p50", percentile(seconds, 0.5) * 1000, "ms", p50, count),
        Row(f"{what}, p99", percentile(seconds, 0.99) * 1000, "ms", p99, count),
    ]


def as_text(row: Row) -> str:
    """One line for a terminal."""
    aim = "" if row.aim is None else f"  aim {_bound(row)}"
    met = "" if row.met else "  NOT MET"
    return f"  {row.what:52} {_amount(row.value, row.unit):>14}{aim}{met}  {row.detail}".rstrip()


def as_markdown(row: Row) -> str:
    """One row of the table in the documentation."""
    met = "" if row.aim is None else "yes" if row.met else "**no**"
    return f"| {row.what} | {_bound(row)} | {_amount(row.value, row.unit)} | {met} | {row.detail} |"


def _bound(row: Row) -> str:
    return "" if row.aim is None else f"{'at least ' if row.at_least else ''}{_amount(row.aim, row.unit)}"


def _amount(value: float, unit: str) -> str:
    digits = 0 if float(value).is_integer() or abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()
