"""From when on the ttl of a run counts.

From the start of the run that somebody asked for. A restart by policy does not begin it anew: a server that crashes
every hour would otherwise never come to the end of its two hours.
"""

from __future__ import annotations

from ...durations import duration_text
from ...errors import InvalidParams
from ..kernel.age import age_seconds, boot_seconds
from ..model import Run

__all__ = ["age", "begin", "check_ttl"]


def begin(run: Run) -> float | None:
    """When it began, on the clock of `boot_seconds`; None: not known (yet)."""
    if run.lease is not None:
        return run.lease
    if run.identity is None or run.identity.start <= 0:
        return None
    return boot_seconds() - age_seconds(run.identity)


def age(run: Run) -> float | None:
    """How many seconds ago that was."""
    began = begin(run)
    return None if began is None else max(0.0, boot_seconds() - began)


def check_ttl(run: Run | None, ttl_seconds: float, name: str = "it") -> None:
    """Raises `InvalidParams` for a ttl that a live run has passed already: it would be stopped at once."""
    ran = age(run) if run is not None and run.live else None
    if ran is not None and 0 < ttl_seconds <= ran:
        raise InvalidParams(
            f"{name} has run for {duration_text(int(ran))} already, longer than a ttl of {duration_text(ttl_seconds)}",
            hint="the ttl counts from its start: give a longer one, or stop it",
        )
