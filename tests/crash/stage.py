"""Where a suite plays: a home of its own, and nothing left of it afterwards."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import NamedTuple, TypeVar

from persistproc_core.paths import Home
from tests.crash.figures import Figures
from tests.crash.warm import WarmInterpreter
from tests.kit import Guard
from tests.kit.alone import forget_hubs
from tests.kit.daemon import environment
from tests.kit.guard import TEST_VARIABLE

__all__ = ["HOME_MARK", "Order", "in_parts", "stage"]

T = TypeVar("T")

HOME_MARK = "PP_CRASH_HOME"
"""Variable of every process of a stage; its value is the stage's home."""


class Order(NamedTuple):
    """What a suite is asked to do."""

    seed: int
    size: int
    """Points or rounds; 0: all that there are."""
    short: bool = False
    """As little as shows that it works."""
    jobs: int = 1
    """How many processes may be at it at a time; 1: none but this one."""
    keep: bool = False
    """Leave the home of a suite that found something."""


@contextmanager
def stage(figures: Figures, order: Order, *preparation: str, **variables: str) -> Iterator[tuple[Home, Guard]]:
    """A home whose daemons start warm; afterwards all that there is of it is ended and removed."""
    guard = Guard()
    home = guard.new_home()
    before = dict(os.environ)
    forget_hubs()
    os.environ.update(environment(home, **{TEST_VARIABLE: guard.token, HOME_MARK: home.path}))
    try:
        with WarmInterpreter(home, *preparation, **variables):
            yield home, guard
    finally:
        figures.finish()
        os.environ.clear()
        os.environ.update(before)
        if order.keep and not figures.clean:
            sys.stderr.write(f"kept: {home.path}\n")
            guard.kill()
        else:
            guard.clean_up()


def in_parts(work: Callable[[T], Figures], parts: Sequence[T], jobs: int) -> Figures:
    """The same suite in several homes at a time; ``work`` is a module's function, and a part tells it what to do."""
    if jobs == 1 or len(parts) < 2:
        return Figures.sum([work(part) for part in parts])
    with ProcessPoolExecutor(min(jobs, len(parts)), get_context("spawn")) as pool:
        return Figures.sum(list(pool.map(work, parts)))
