"""A place in the output of a run, as a short text that clients give back unread."""

from __future__ import annotations

import re

from ...errors import InvalidParams
from .segments import Offsets

__all__ = ["decode_cursor", "encode_cursor"]

# 18 digits hold every offset that a log can reach, and none that overflows elsewhere.
_CURSOR = re.compile(r"([0-9]{1,9}):([0-9]{1,18}):([0-9]{1,18})")


def encode_cursor(run: int, offsets: Offsets) -> str:
    """The cursor for a place in a run: ASCII, and only this module knows what it means."""
    return f"{run}:{offsets.stdout}:{offsets.stderr}"


def decode_cursor(text: str) -> tuple[int, Offsets]:
    """The number of the run and the place in it.

    Raises `InvalidParams` for what `encode_cursor` did not make.
    """
    match = _CURSOR.fullmatch(text)
    if not match:
        raise InvalidParams(
            f"{text[:40]!r} is not a cursor",
            hint="give back the cursor of an earlier reply as it was, or start for the run's first byte",
        )
    run, stdout, stderr = map(int, match.groups())
    return run, Offsets(stdout, stderr)
