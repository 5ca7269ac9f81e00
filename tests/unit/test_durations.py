"""Durations as people write them."""

from __future__ import annotations

import pytest

from persistproc_core.durations import duration_text, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("45", 45),
        ("45s", 45),
        ("0.5s", 0.5),
        ("30m", 1800),
        ("2h", 7200),
        ("1h30m", 5400),
        (" 1H 30M ", 5400),
        ("1d2h3m4s", 93784),
        ("1w", 604800),
        ("1.5h", 5400),
    ],
)
def test_what_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "h", "-1", "1e5", "inf", "nan", "1_000", "30m2h", "2h2h", "5 moons", "1h30", "1.h", ".5h", "٣h"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.3, "0.3s"), (45, "45s"), (1800, "30m"), (5400, "1h30m"), (7200, "2h"), (93784, "1d2h3m4s")],
)
def test_how_it_is_told(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
    assert parse_duration(text) == seconds
