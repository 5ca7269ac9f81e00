"""Short forms of ``python -m tests.load`` and of the soak, and their judges."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.benchmarks.hub import Hub, hub
from tests.bridge.conftest import bridge as bridge
from tests.kit.bridge import Bridge
from tests.load.campaign import Campaign
from tests.load.holdings import slope
from tests.load.rows import SMOKE, Row, as_markdown, as_text
from tests.load.samples import Sample, Series
from tests.load.soak import Soak
from tests.load.suite import LOADS
from tests.load.workload import Pace

# What the benchmarks' own test runs already, or the test below, is not run again.
SMOKED = sorted(LOADS.keys() - {"start", "ingest", "cold", "recovery", "bridge"})


@pytest.fixture(scope="module")
def shared_hub() -> Iterator[Hub]:
    with hub() as shared:
        yield shared


@pytest.mark.parametrize("name", SMOKED)
def test_a_load_works(name: str, shared_hub: Hub) -> None:
    rows = LOADS[name](shared_hub, SMOKE)

    assert rows
    assert all(math.isfinite(row.value) for row in rows)
    assert shared_hub.client.list_processes()["processes"] == [], "it left processes behind"


def test_each_load_says_what_it_does() -> None:
    assert all(load.__doc__ for load in LOADS.values())


def test_a_row_that_misses_its_aim_is_marked() -> None:
    most, least = Row("lag", 300, "ms", 250), Row("requests a second", 900, "", 1000, at_least=True)
    for row in (most, least):
        assert not row.met
        assert "NOT MET" in as_text(row)
        assert "| **no** |" in as_markdown(row)
        assert row._replace(value=row.aim or 0).met
    assert as_markdown(Row("lag", 1.5, "ms")) == "| lag |  | 1.50 ms |  |  |"


def test_nothing_stays_of_calls_and_of_clients_that_vanish(bridge: Bridge, tmp_path: Path) -> None:
    # So few calls are all warm-up: only what keeps a whole request is seen in the memory.
    figures = Campaign(bridge, tmp_path, most_kib=6.0, until_idle=False).run(calls=240, clients=120)
    assert figures.findings == [], figures.lines


def test_the_soak_goes_through_all_it_does(bridge: Bridge, tmp_path: Path) -> None:
    pace = Pace()
    pace.processes, pace.followers, pace.bytes_a_second = 2, 1, 100_000
    pace.restart_seconds = 0.3
    soak = Soak(bridge, str(tmp_path), pace, sample_seconds=0.3, replace_seconds=0.5)
    lines = soak.run(3.0, idle_seconds=0)
    assert soak.findings == [], lines
    assert {line.split()[0] for line in lines[1:-1]} == {"daemon", "keeper", "holder", "bridge"}
    assert "0 restarts" not in lines[-1]
    assert "0 times replaced" not in lines[-1]


def series(memory: Callable[[int], float], descriptors: Callable[[int], int], zombie: int = 0) -> Series:
    found = Series("daemon")
    for second in range(0, 1800, 10):
        zombies = frozenset([77]) if zombie and second >= 1800 - 10 * zombie else frozenset[int]()
        found.samples.append(Sample(second, 1, memory(second), descriptors(second), 1, second, zombies))
    found.lines(180)
    return found


def test_the_judge_of_the_soak() -> None:
    assert series(lambda _: 40.0, lambda second: 20 + second % 30).findings == []
    assert series(lambda second: 40.0 + (second > 900) * 0.25, lambda _: 20, zombie=2).findings == []
    (memory,) = series(lambda second: 40.0 + second / 600, lambda _: 20).findings
    assert memory.startswith("daemon: memory grows by 6.00 MiB/h")
    (descriptors,) = series(lambda _: 40.0, lambda second: 20 + second // 600).findings
    assert descriptors == "daemon: descriptors grow from 20 to 22"
    (zombies,) = series(lambda _: 40.0, lambda _: 20, zombie=3).findings
    assert zombies == "daemon: zombies that stay: [77]"


@pytest.mark.parametrize(("each", "expected"), [(0, 0.0), (1024, 1.0), (-512, -0.5)])
def test_the_slope_after_the_warm_up(each: int, expected: float) -> None:
    samples = [(calls, 2**20 + (10**7 if calls < 50 else each * calls)) for calls in range(0, 100, 5)]
    assert slope(samples).kib_per_call == pytest.approx(expected)
