"""Options whose value is a duration."""

from __future__ import annotations

from .arguments import Arguments, UsageError

__all__ = ["duration_words", "seconds_in"]

_NEVER = ("never", "off", "none")
_MOST = 1e8


def seconds_in(arguments: Arguments, name: str) -> float | None:
    """The value of an option in seconds; ``0`` and ``never`` are 0, None: not given. Raises `UsageError`."""
    text = arguments.text(name)
    if text is None:
        return None
    if text.strip().lower() in _NEVER:
        return 0.0
    from persistproc_core.durations import parse_duration

    try:
        seconds = parse_duration(text)
    except ValueError:
        raise UsageError(f"{name} needs a duration, not {text!r}", hint="30m, 2h or 1h30m; never: no limit") from None
    if seconds > _MOST:
        raise UsageError(f"{name} takes at most three years, not {text!r}")
    return seconds


def duration_words(seconds: float) -> str:
    """``2h``, ``1h30m``, ``0.3s``: what `seconds_in` reads."""
    from persistproc_core.durations import duration_text

    return duration_text(seconds)
