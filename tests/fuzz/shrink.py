"""Makes a case that breaks a promise shorter, as long as it still breaks it."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["shrunk"]


def shrunk(case: bytes, breaks: Callable[[bytes], bool], seconds: float) -> bytes:
    """The shortest case that was found in time: piece after piece is left out, in ever smaller pieces."""
    deadline = time.monotonic() + seconds
    size = len(case) // 2
    while size:
        at = 0
        while at < len(case):
            if time.monotonic() > deadline:
                return case
            shorter = case[:at] + case[at + size :]
            if breaks(shorter):
                case = shorter
            else:
                at += size
        size //= 2
    return case
