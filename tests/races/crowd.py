"""Several callers who act at the same moment, and how often the tests let them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from persistproc_core.errors import PersistprocError

__all__ = ["FULL", "at_once"]

FULL = os.environ.get("TESTS_FULL") == "1"
"""True under ``make crash``: the numbers that are promised, instead of some that fit into ``make test``."""

T = TypeVar("T")


def at_once(calls: Sequence[Callable[[], T]]) -> list[T | PersistprocError]:
    """Make all calls at the same moment, each in a thread of its own; what each returned or was refused with."""
    barrier = threading.Barrier(len(calls))

    def call(act: Callable[[], T]) -> T | PersistprocError:
        barrier.wait(30)
        try:
            return act()
        except PersistprocError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))
