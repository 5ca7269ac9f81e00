"""Durations as people write them: ``2h``, ``30m``, ``1h30m``, ``45``."""

from __future__ import annotations

__all__ = ["duration_text", "parse_duration"]

_UNITS = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def parse_duration(text: str) -> float:
    """Seconds; a bare number is seconds. From the longest unit to the shortest, each at most once.

    Raises `ValueError`.
    """
    rest = text.strip().lower()
    if not rest:
        raise ValueError("no duration")
    seconds = _number(rest)
    if seconds is not None:
        return seconds
    seconds = 0.0
    units = list(_UNITS)
    while rest:
        # Only shorter ones than the last: 30m2h is a slip of the pen.
        at = next((at for at, (unit, _) in enumerate(units) if unit in rest), len(units))
        if at == len(units):
            raise ValueError(f"{text!r} is no duration")
        unit, size = units[at]
        number, _, rest = rest.partition(unit)
        count = _number(number.strip())
        if count is None:
            raise ValueError(f"{text!r} is no duration")
        seconds += count * size
        rest, units = rest.strip(), units[at + 1 :]
    return seconds


def duration_text(seconds: float) -> str:
    """``2h``, ``1h30m``, ``0.3s``: what `parse_duration` reads. A fraction is told below a minute only."""
    whole = int(seconds)
    if whole != seconds and seconds < 60:
        return f"{seconds:.3g}s"
    text = ""
    for unit, size in _UNITS[1:]:
        count, whole = divmod(whole, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def _number(text: str) -> float | None:
    # float() takes 1e5, inf and 1_000 as well.
    whole, dot, fraction = text.partition(".")
    if not text.isascii() or not whole.isdigit() or (dot and not fraction.isdigit()) or len(text) > 15:
        return None
    return float(text)
