"""The rule by which runs are started again: pauses, rows, the limit. No clock, no dice."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistproc_core.daemon.kernel.age import age_seconds
from persistproc_core.daemon.kernel.identity import identity_of
from persistproc_core.daemon.restarting.policy import Backoff, is_wanted
from persistproc_core.daemon.restarting.uptime import up_seconds
from persistproc_core.protocol import RestartPolicy, State
from tests.daemon.unit.journals import make

RULE = Backoff()


@pytest.mark.parametrize(
    ("number", "most"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 16.0), (7, 30.0), (8, 30.0), (900, 30.0)]
)
def test_the_longest_pause_doubles_up_to_the_most(number: int, most: float) -> None:
    assert RULE.pause(number, 1.0) == most
    assert RULE.pause(number, 0.25) == most / 4
    assert RULE.pause(number, 0.0) == 0.0


@given(number=st.integers(1, 10_000), dice=st.floats(0, 1), first=st.floats(0, 86400), most=st.floats(0, 86400))
def test_no_pause_is_longer_than_said(number: int, dice: float, first: float, most: float) -> None:
    assert 0 <= Backoff(first, most).pause(number, dice) <= most


@pytest.mark.parametrize(
    ("policy", "state", "stopped", "wanted"),
    [
        ("never", "failed", False, False),
        ("never", "exited", False, False),
        ("on-failure", "failed", False, True),
        ("on-failure", "lost", False, True),
        ("on-failure", "exited", False, False),
        ("on-failure", "stopped", True, False),
        ("always", "failed", False, True),
        ("always", "lost", False, True),
        ("always", "exited", False, True),
        ("always", "stopped", True, False),
        ("always", "failed", True, False),
    ],
)
def test_what_is_started_again(policy: RestartPolicy, state: State, stopped: bool, wanted: bool) -> None:
    assert is_wanted(policy, state, stopped=stopped) is wanted


def test_a_row_comes_to_its_limit() -> None:
    assert [RULE.following(restarts, 0.1) for restarts in range(7)] == [1, 2, 3, 4, 5, None, None]


def test_a_minute_up_ends_the_row() -> None:
    assert RULE.following(5, 59.9) is None
    assert RULE.following(5, 60.0) == 1
    assert RULE.following(0, 3600.0) == 1


def test_how_long_a_run_was_up() -> None:
    """By the kernel's clock; of an end that no daemon saw, not longer than its best known times say."""
    _, run = make()
    run.ended_at = run.started_at.replace("00:00", "00:30")
    assert up_seconds(run, seen=True) == 0, "nobody knows its leader"
    started = identity_of(os.getpid())
    assert started is not None
    run.identity = started._replace(start=0)
    since_boot = age_seconds(run.identity)
    assert since_boot > 2
    assert up_seconds(run, seen=True) >= since_boot
    assert up_seconds(run, seen=False) == pytest.approx(min(since_boot, 1800), abs=5)
    run.ended_at = run.started_at
    assert up_seconds(run, seen=False) == 0
    assert up_seconds(run, seen=True) >= since_boot, "a wall clock that was set back changes nothing"
    run.identity = run.identity._replace(boot_id="another")
    assert up_seconds(run, seen=True) == 0


@given(
    ups=st.lists(st.floats(0, 59.9), min_size=6, max_size=50),
    dice=st.floats(0, 1),
    longest=st.floats(0, 86400),
)
def test_the_limit_is_reached_however_long_the_pauses_are(ups: list[float], dice: float, longest: float) -> None:
    """A window that the pauses count in would end each row by the pauses themselves, and nothing would be given up."""
    rule = Backoff(longest_pause_seconds=longest)
    restarts, starts = 0, 1
    for up in ups:
        number = rule.following(restarts, up)
        if number is None:
            break
        assert rule.pause(number, dice) <= longest
        restarts, starts = number, starts + 1
    assert starts == 1 + rule.limit
