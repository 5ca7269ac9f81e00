"""All suites: what each counts, how much of it is the whole and how much fits into ``make test``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from tests.crash.campaign import KINDS, run_kind
from tests.crash.clock.suite import run_clock
from tests.crash.faults import run_faults
from tests.crash.figures import Figures
from tests.crash.lines.suite import run_lines
from tests.crash.race import run_race
from tests.crash.reuse.suite import run_reuse
from tests.crash.stage import Order
from tests.crash.starters import run_starters
from tests.crash.stopped import run_stopped
from tests.crash.trees import run_trees

__all__ = ["SUITES", "Suite"]


class Suite(NamedTuple):
    """One suite."""

    name: str
    unit: str
    """What its n counts."""
    full: int
    """How many by default; 0: all that there are."""
    short: int
    """How many with --short."""
    seconds: float
    """About how long the default takes on two cores."""
    parts: Sequence[Callable[[Order], Figures]]
    """Each gives one line of figures."""


SUITES: dict[str, Suite] = {
    suite.name: suite
    for suite in (
        Suite("random", "points", 1000, 1, 960, [partial(run_kind, kind) for kind in KINDS]),
        Suite("lines", "points", 0, 3, 1140, [partial(run_lines, "fresh")]),
        Suite("lines-20", "points", 500, 2, 150, [partial(run_lines, "20-running")]),
        Suite("trees", "times each case", 20, 1, 60, [run_trees]),
        Suite("starters", "rounds", 200, 2, 75, [run_starters]),
        Suite("stopped", "times each victim", 3, 1, 160, [run_stopped]),
        Suite("reuse", "reuses", 500, 6, 50, [run_reuse]),
        Suite("race", "rounds", 2000, 3, 240, [run_race]),
        Suite("clock", "rounds", 10, 1, 40, [run_clock]),
        Suite("faults", "times", 1, 1, 60, [run_faults]),
    )
}
"""By name, in the order in which they run."""
