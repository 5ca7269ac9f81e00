"""Names of signals, as callers give them and as they are told."""

from __future__ import annotations

import signal

from .errors import InvalidParams

__all__ = ["signal_name", "signal_number"]


def signal_name(number: int) -> str:
    """``SIGTERM`` for 15; ``SIG41`` for one without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def signal_number(name: str) -> int:
    """15 for ``SIGTERM``, ``TERM``, ``term`` and ``15``. Raises `InvalidParams`."""
    text = name.strip().upper()
    digits = text.removeprefix("SIG")  # SIG41 is what we call one that has no name
    if digits.isascii() and digits.isdigit() and len(digits) < 4:
        number = int(digits)
        if number in signal.valid_signals():
            return number
    else:
        try:
            return signal.Signals[text if text.startswith("SIG") else "SIG" + text].value
        except KeyError:
            pass
    raise InvalidParams(f"there is no signal {name}", hint="for example SIGTERM, SIGINT, SIGHUP, SIGUSR1")
