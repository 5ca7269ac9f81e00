"""How long a run was up."""

from __future__ import annotations

from datetime import datetime

from ..kernel.age import age_seconds
from ..model import Run

__all__ = ["up_seconds"]


def up_seconds(run: Run, *, seen: bool) -> float:
    """Seconds from the start of a run to its end. ``seen``: it has ended just now, while this daemon looked.

    Otherwise the kernel only says how old it would be by now, and the best known time of the end counts as well: a run
    of a second must not pass for one of an hour because no daemon lived for that hour.
    """
    age = age_seconds(run.identity) if run.identity is not None else 0.0
    if seen or run.ended_at is None:
        return age
    return min(age, max(0.0, _epoch(run.ended_at) - _epoch(run.started_at)))


def _epoch(stamp: str) -> float:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
