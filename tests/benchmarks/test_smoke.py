"""The benchmarks still work. Nothing is said about how fast: a figure of a loaded machine would be a lie."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from tests.benchmarks.figures import Figure, Pairs, alternately, percentile
from tests.benchmarks.hub import Hub, hub
from tests.benchmarks.report import as_row, as_text, machine
from tests.benchmarks.suite import BENCHMARKS, SMOKE


@pytest.fixture(scope="module")
def shared_hub() -> Iterator[Hub]:
    with hub() as shared:
        yield shared


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_works(name: str, shared_hub: Hub) -> None:
    figures = BENCHMARKS[name](shared_hub, SMOKE)

    assert figures
    assert all(math.isfinite(figure.value) for figure in figures)
    assert len({figure.what for figure in figures}) == len(figures)
    assert shared_hub.client.list_processes()["processes"] == [], "it left processes behind"


def test_each_says_what_it_compares() -> None:
    assert all(benchmark.__doc__ for benchmark in BENCHMARKS.values())


def test_pairs_are_run_alternately_and_their_ratios_are_what_counts() -> None:
    order: list[str] = []
    times = {"ours": iter([9.0, 2.0, 8.0, 6.0]), "base": iter([9.0, 1.0, 2.0, 2.0])}

    def run(who: str) -> float:
        order.append(who)
        return next(times[who])

    measured = alternately(3, lambda: run("ours"), lambda: run("base"))

    assert order == ["ours", "base"] * 4
    assert measured == Pairs(ours=6.0, base=2.0, ratio=3.0, times=3)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100)])
def test_percentile(share: float, expected: int) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], share) == expected


def test_a_figure_above_its_aim_is_marked() -> None:
    above = Figure("bulk", 2.0, "x", 1.5, "2.00 s against 1.00 s")
    assert "ABOVE" in as_text(above)
    assert as_row(above) == "| bulk | 1.50 x | **2 x** | 2.00 s against 1.00 s |"
    assert "ABOVE" not in as_text(above._replace(value=1.5))


def test_the_machine_is_told_without_its_name() -> None:
    assert "cores" in machine("/")
