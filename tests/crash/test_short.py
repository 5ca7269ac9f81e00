"""The campaigns of ``python -m tests.crash`` with a few points each, and their judge."""

from __future__ import annotations

import pytest

from persistproc_core.paths import Home
from tests.crash.campaign import KINDS, Campaign
from tests.crash.evidence import Judgement, judge
from tests.kit import Guard
from tests.kit.daemon import environment


@pytest.mark.parametrize("kind", KINDS)
def test_kill_9_loses_nothing(kind: str, home: Home, guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)
    campaign = Campaign(home, kind, seed=7)
    try:
        figures = campaign.run(points=2)
    except BaseException:
        guard.kill()
        raise
    assert figures.findings == []
    assert figures.points == 2


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
