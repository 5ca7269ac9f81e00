"""A short form of ``python -m tests.load``, and its judge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bridge.conftest import new_bridge as new_bridge
from tests.kit.bridge import Bridge
from tests.load.campaign import Campaign
from tests.load.holdings import slope


def test_nothing_stays_of_calls_and_of_clients_that_vanish(new_bridge: Callable[..., Bridge], tmp_path: Path) -> None:
    bridge = new_bridge()
    bridge.start()
    # So few calls are all warm-up: only what keeps a whole request is seen in the memory.
    figures = Campaign(bridge, tmp_path, most_kib=6.0, until_idle=False).run(calls=320, clients=160)
    assert figures.findings == [], figures.lines


@pytest.mark.parametrize(("each", "expected"), [(0, 0.0), (1024, 1.0), (-512, -0.5)])
def test_the_slope_after_the_warm_up(each: int, expected: float) -> None:
    samples = [(calls, 2**20 + (10**7 if calls < 50 else each * calls)) for calls in range(0, 100, 5)]
    assert slope(samples).kib_per_call == pytest.approx(expected)
