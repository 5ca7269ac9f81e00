"""Moments as callers write them: a time (RFC 3339) or an age (10s, 5m, 2h, 1d)."""

from __future__ import annotations

import re
import time
from datetime import datetime, timezone

from ...errors import InvalidParams

__all__ = ["parse_age", "parse_moment"]

_PART = r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(ms|s|m|h|d|w)"
_AGE = re.compile(rf"(?:{_PART} ?)+(?<! )", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
# fromisoformat of Python 3.10 takes neither Z nor a fraction of any length.
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(?:(?<=:\d\d:\d\d)\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)


def parse_moment(parameter: str, text: str) -> int:
    """Wall clock, ns. An age (10s, 1h30m) counts back from now; a time without a zone is local.

    Raises `InvalidParams`, which names the parameter.
    """
    if _AGE.fullmatch(text):
        return max(0, time.time_ns() - round(_seconds(text) * 1_000_000_000))
    match = _TIME.fullmatch(text)
    if match:
        date, clock, fraction, zone = match.groups(default="")
        try:
            moment = datetime.fromisoformat(f"{date}T{clock}{'+00:00' if zone in ('Z', 'z') else zone}")
            whole = round(moment.astimezone(timezone.utc).timestamp())
        except (ValueError, OverflowError, OSError):
            pass
        else:
            return max(0, whole * 1_000_000_000 + int((fraction or "0").ljust(9, "0")))
    raise InvalidParams(
        f"{parameter} is {text[:60]!r}, which is neither an age nor a time",
        hint="give an age (30s, 10m, 2h, 7d) or a time (2026-01-02T03:04:05Z)",
    )


def parse_age(parameter: str, text: str) -> float:
    """Seconds of an age alone (10s, 1h30m). Raises `InvalidParams`, which names the parameter."""
    if not _AGE.fullmatch(text):
        raise InvalidParams(f"{parameter} is {text[:60]!r}, which is no age", hint="for example 30m, 2h or 7d")
    return _seconds(text)


def _seconds(text: str) -> float:
    return sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, text))
