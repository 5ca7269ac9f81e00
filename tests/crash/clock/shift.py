"""The wall clock of a process, moved by what stands in a shared page. Standard library only: the keeper imports it."""

from __future__ import annotations

import time

from tests.crash.page import shared_page

__all__ = ["VARIABLE", "Shift", "move_clock"]

VARIABLE = "PP_CRASH_CLOCK"
"""The path of the shared page, for daemons and keepers."""


class Shift:
    """How far the clock is off, in nanoseconds."""

    def __init__(self, path: str) -> None:
        self._page = shared_page(path)

    def set(self, nanoseconds: int) -> None:
        """From now on."""
        self._page[:8] = nanoseconds.to_bytes(8, "big", signed=True)

    def get(self) -> int:
        """Now."""
        return int.from_bytes(self._page[:8], "big", signed=True)


def move_clock(path: str) -> None:
    """Have time.time() and time.time_ns() of this process follow the page; the monotonic clocks are the kernel's."""
    shift = Shift(path)
    seconds, nanoseconds = time.time, time.time_ns
    time.time = lambda: seconds() + shift.get() / 1e9
    time.time_ns = lambda: nanoseconds() + shift.get()
