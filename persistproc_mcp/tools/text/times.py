"""Times in words: ``13 min``, ``3 min ago``, ``13:58:24``."""

from __future__ import annotations

import time
from datetime import datetime

__all__ = ["after", "ago", "clock", "duration", "epoch"]

_UNITS = ((86400 * 2, 86400, "days"), (3600, 3600, "h"), (60, 60, "min"))


def epoch(stamp: str) -> float:
    """Seconds since 1970 of an RFC 3339 time. Raises ValueError for others."""
    # Python 3.10 does not read the Z (datetime.fromisoformat).
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def duration(length: float) -> str:
    """``45 s``, ``13 min``, ``3 h``, ``5 days``: one unit, rounded down."""
    for least, size, unit in _UNITS:
        if length >= least:
            return f"{int(length // size)} {unit}"
    return f"{max(0, int(length))} s"


def after(length: float) -> str:
    """How long something took: ``after 0.8 s``, ``after 12 s``."""
    return f"after {max(0.0, length):.1f} s" if length < 9.95 else f"after {duration(length)}"


def ago(stamp: str, now: float | None = None) -> str:
    """``3 min ago``, and ``just now`` for what is no second old; a clock that was set back shows no nonsense."""
    length = (time.time() if now is None else now) - epoch(stamp)
    return "just now" if length < 1 else f"{duration(length)} ago"


def clock(stamp: str) -> tuple[str, str]:
    """Date and time of day on this machine's clock: ``("2026-03-01", "13:58:24")``."""
    local = time.localtime(epoch(stamp))
    return time.strftime("%Y-%m-%d", local), time.strftime("%H:%M:%S", local)
