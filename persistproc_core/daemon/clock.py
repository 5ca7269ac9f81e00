"""Wall-clock times as the protocol writes them: RFC 3339, UTC, milliseconds. Durations never come from here."""

from __future__ import annotations

import time

__all__ = ["now", "rfc3339"]


def rfc3339(time_ns: int) -> str:
    """``2026-01-02T03:04:05.678Z`` (RFC 3339, section 5.6)."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1_000_000:03d}Z"


def now() -> str:
    """This moment."""
    return rfc3339(time.time_ns())
