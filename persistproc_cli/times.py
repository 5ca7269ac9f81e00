"""Times for people, without ``datetime``: importing it costs more than the whole table."""

from __future__ import annotations

import time

__all__ = ["ago", "duration", "seconds_since", "to_epoch"]

_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_WORDS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def to_epoch(stamp: str) -> float:
    """Seconds since 1970 of an RFC 3339 time in UTC (``2026-03-01T12:00:00.250Z``); raises ValueError for others."""
    if len(stamp) < 20 or stamp[-1] != "Z":
        raise ValueError(f"not a time in UTC: {stamp!r}")
    year, month, day = int(stamp[:4]), int(stamp[5:7]), int(stamp[8:10])
    # Days of the civil calendar since 1970-01-01; a year begins in March, so that leap days come last.
    shifted = year - (month <= 2)
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    days = 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + day_of_year - 719468
    return days * 86400 + int(stamp[11:13]) * 3600 + int(stamp[14:16]) * 60 + float(stamp[17:-1])


def seconds_since(stamp: str) -> float:
    """How long ago that was; never negative, so that a clock that was set back shows no nonsense."""
    try:
        return max(0.0, time.time() - to_epoch(stamp))
    except ValueError:
        return 0.0


def duration(seconds: float) -> str:
    """``45s``, ``12m``, ``3h``, ``5d``; one unit, rounded down."""
    whole = int(seconds)
    for size, unit in _UNITS:
        if whole >= size:
            return f"{whole // size}{unit}"
    return "0s"


def ago(seconds: float) -> str:
    """``just now``, ``45 s ago``, ``3 min ago``, for sentences."""
    whole = int(seconds)
    for size, unit in _WORDS:
        if whole >= size:
            return f"{whole // size} {unit} ago"
    return "just now"
