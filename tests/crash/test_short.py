"""The suites of ``python -m tests.crash`` with a few points each, and their judge."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.crash.campaign import KINDS, run_kind
from tests.crash.evidence import Judgement, judge
from tests.crash.figures import Figures
from tests.crash.stage import Order
from tests.crash.suites import SUITES

_SEED = 7


def expect_clean(name: str, part: Callable[[Order], Figures] | None = None) -> None:
    """Run the short form of a suite, which must find nothing."""
    suite = SUITES[name]
    figures = (part or suite.parts[0])(Order(_SEED, suite.short, short=True))
    assert figures.findings == []
    assert figures.n > 0


def test_kill_9_loses_nothing() -> None:
    """Of the daemon, of the keeper, of both: in one home, as each costs the half second that importing takes."""
    expect_clean("random", lambda order: run_kind("each", order._replace(size=len(KINDS))))


def test_kill_9_at_a_line_loses_nothing() -> None:
    expect_clean("lines")


def test_each_process_of_a_tree_is_told_apart() -> None:
    expect_clean("trees")


def test_many_starters_start_one_daemon() -> None:
    expect_clean("starters")


def test_nobody_is_taken_for_dead() -> None:
    expect_clean("stopped")


def test_no_stranger_is_signalled() -> None:
    """In a pid namespace, or, where none may be made, with records that name strangers."""
    expect_clean("reuse")


def test_a_race_has_one_true_end() -> None:
    expect_clean("race")


def test_no_deadline_follows_the_wall_clock() -> None:
    expect_clean("clock")


@pytest.mark.parametrize(
    ("data", "must_end", "expected"),
    [
        (b"", False, (0, 0)),
        (b"", True, (10, 0)),
        (b"out 0\nout 1\nout end 2\n", True, (0, 0)),
        (b"out end 0\n", True, (0, 0)),
        (b"out 0\nout 1\n", False, (0, 0)),
        (b"out 0\nou", False, (0, 0)),
        (b"out 0\nxu", False, (0, 2)),
        (b"out 0\nout 2\nout end 3\n", True, (6, 0)),
        (b"out 0\nout end 3\n", True, (12, 0)),
        (b"out 0\nout 0\nout 1\nout end 2\n", True, (0, 6)),
        (b"out 1\nout 0\nout end 2\n", True, (6, 6)),
        (b"out 0\nout 1\n", True, (10, 0)),
    ],
)
def test_the_judge(data: bytes, must_end: bool, expected: tuple[int, int]) -> None:
    assert judge(data, b"out", must_end=must_end) == Judgement(*expected)
