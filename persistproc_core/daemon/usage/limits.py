"""How long a process may still run by its ttl and its idle timeout, and in words why it may not any more."""

from __future__ import annotations

import time
from typing import NamedTuple

from ...durations import duration_text
from ..clock import rfc3339
from ..model import Process
from .leases import age
from .uses import Uses

__all__ = ["Due", "due", "expires_at"]


class Due(NamedTuple):
    """The end that comes first."""

    seconds: float
    """From now; not more than 0: now."""
    reason: str
    """``ran for its ttl of 2h``, ``nobody used it for 30m``."""


def due(process: Process, uses: Uses) -> Due | None:
    """When the process is to be stopped; None: never, or there is nothing to stop."""
    options = process.options
    if (options.ttl_seconds is None and options.idle_timeout_seconds is None) or process.removed:
        return None
    run = process.current
    if run is None or (run.state not in ("starting", "running") and process.planned is None):
        return None  # nothing is there to be ended, or somebody is at it
    found = []
    if options.ttl_seconds is not None:
        ran = age(run) or 0.0
        found.append(Due(options.ttl_seconds - ran, f"ran for its ttl of {duration_text(options.ttl_seconds)}"))
    if options.idle_timeout_seconds is not None:
        unused = uses.unused_seconds(process)
        words = f"nobody used it for {duration_text(options.idle_timeout_seconds)}"
        found.append(Due(options.idle_timeout_seconds - unused, words))
    return min(found)


def expires_at(process: Process, uses: Uses) -> str | None:
    """When that is, as the protocol tells times; the clock is for people, and nothing is decided by it."""
    limit = due(process, uses)
    return None if limit is None else rfc3339(time.time_ns() + round(max(0.0, limit.seconds) * 1_000_000_000))
