"""Moments as callers write them."""

from __future__ import annotations

import time

import pytest

from persistproc_core.daemon.answers.times import parse_moment
from persistproc_core.errors import InvalidParams

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("1970-01-01T00:00:10Z", 10 * SECOND),
        ("1970-01-01t00:00:10z", 10 * SECOND),
        ("1970-01-01 00:00:10.5Z", 10_500_000_000),
        ("1970-01-01T00:00:10.000000001Z", 10 * SECOND + 1),
        ("1970-01-01T02:00:10+02:00", 10 * SECOND),
        ("1969-12-31T23:00:10-01:00", 10 * SECOND),
        ("1960-01-01T00:00:00Z", 0),
        ("1970-01-01 00:01Z", 60 * SECOND),
        ("2026-01-02T03:04:05.678Z", 1_767_323_045_678_000_000),
    ],
)
def test_times(text: str, time_ns: int) -> None:
    assert parse_moment("since", text) == time_ns


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0.0),
        ("10s", 10.0),
        ("1.5h", 5400.0),
        ("5 m", 300.0),
        ("2d", 172800.0),
        ("1w", 604800.0),
        ("250ms", 0.25),
        ("1h30m", 5400.0),
        ("1 h 30 m", 5400.0),
    ],
)
def test_ages(text: str, seconds: float) -> None:
    before = time.time_ns()
    moment = parse_moment("since", text)
    after = time.time_ns()
    assert before <= moment + round(seconds * SECOND) <= after


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "10",
        "-5m",
        "10 minutes",
        "5M",
        "1y",
        "2026-01-02",
        "2026-13-02T03:04:05Z",
        "2026-01-02T03:04:61Z",
        "2026-01-02T25:04:05Z",
        "0001-01-01T00:00:00+14:00",
        "10s ",
        "٣s",
        "1:2:3",
    ],
    ids=ascii,
)
def test_no_moments(text: str) -> None:
    with pytest.raises(InvalidParams, match="older_than") as caught:
        parse_moment("older_than", text)
    assert caught.value.hint


def test_longer_ago_than_the_clock_reaches() -> None:
    assert parse_moment("since", "999999999d") == 0


def test_a_time_without_a_zone_is_local() -> None:
    local = time.mktime((2026, 1, 2, 3, 4, 5, 0, 0, -1))
    assert parse_moment("since", "2026-01-02 03:04:05") == round(local) * SECOND
