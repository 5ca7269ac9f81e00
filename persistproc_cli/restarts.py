"""Restarts by policy, in words: what is planned, what was given up, what was cancelled.

The daemon tells them in the reason of a process: ``exited with code 1; starts again in 4 s (2 of 5)``.
"""

from __future__ import annotations

import math
import time

from .times import to_epoch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["is_given_up", "outlook", "restarting_words", "seconds_left"]

_PLANNED = "; starts again "
_GIVEN_UP = "; given up after "
_CANCELLED = "; not started again: "


def seconds_left(info: Mapping[str, object]) -> float:
    """Until it is started again; 0 when that time has come."""
    at = info.get("restart_at")
    return max(0.0, to_epoch(at) - time.time()) if isinstance(at, str) else 0.0


def restarting_words(info: Mapping[str, object]) -> str:
    """``restarting in 4s (2/5)``."""
    _, found, words = str(info.get("reason")).rpartition(_PLANNED)
    step = words.rpartition("(")[2].rstrip(")").replace(" of ", "/") if found else ""
    return f"restarting in {math.ceil(seconds_left(info))}s{f' ({step})' if step else ''}"


def is_given_up(info: Mapping[str, object]) -> bool:
    """Whether a policy has restarted it in vain, until it gave up."""
    return _GIVEN_UP in str(info.get("reason"))


def outlook(info: Mapping[str, object]) -> str:
    """What comes after the end of a run, as far as a policy has to do with it; else empty.

    ``starts again in 4 s (2 of 5)``, ``given up after 5 restarts in a row: ...``, ``not started again: stopped by me``.
    """
    reason = str(info.get("reason"))
    for beginning in (_PLANNED, _GIVEN_UP, _CANCELLED):
        _, found, rest = reason.rpartition(beginning)
        if found:
            if beginning == _PLANNED and "restart_at" in info and seconds_left(info) < 1:
                rest = rest.replace("in 1 s ", "in less than a second ")
            return f"{beginning[2:]}{rest}"
    return ""
