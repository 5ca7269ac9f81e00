"""When a process stops by itself, in words."""

from __future__ import annotations

from .durations import duration_words
from .times import duration, seconds_since, to_epoch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import ProcessInfo

__all__ = ["last_used", "limit_lines", "limits"]


def limits(info: ProcessInfo) -> str:
    """``after 2h or when nobody has used it for 30m (as it is, in 29m)``; nothing for one that has ended."""
    told, at = _told(info), info.get("expires_at")
    if info["ended_at"] and at is None:
        return ""
    return f"{told} (as it is, in {_until(at)})" if told and at is not None else told


def _told(info: ProcessInfo) -> str:
    ttl, idle = info.get("ttl_seconds"), info.get("idle_timeout_seconds")
    told = [f"after {duration_words(ttl)}"] if ttl is not None else []
    told += [f"when nobody has used it for {duration_words(idle)}"] if idle is not None else []
    return " or ".join(told)


def limit_lines(info: ProcessInfo) -> list[str]:
    """Which limits, as a line below what was started; none without a limit."""
    told = _told(info)
    return [f"it stops by itself {told}"] if told else []


def last_used(info: ProcessInfo) -> str:
    """``5m ago``, ``not yet``; nothing for one that has ended."""
    at = info.get("last_used_at")
    if at is not None:
        return f"{duration(seconds_since(at))} ago"
    return "" if info["ended_at"] else "not yet, as far as was seen"


def _until(stamp: str) -> str:
    import time

    return duration_words(float(max(0, round(to_epoch(stamp) - time.time()))))
