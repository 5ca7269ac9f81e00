"""A process that writes what it watches is told from a person who saves a file."""

from __future__ import annotations

import pytest

from persistproc_core.daemon.watching.loop_guard import LIMIT, LIMIT_OF_ANY, LoopGuard


def found(delays: list[float], files: list[list[str]] | None = None) -> list[str | None]:
    guard = LoopGuard()
    return [guard.looks_like_one(files[index] if files else ["a"], delay) for index, delay in enumerate(delays)]


@pytest.mark.parametrize(
    "delays",
    [[0.3] * 5, [0.1, 1.9, 0.2, 1.0, 0.1], [8.0, 8.1, 7.9, 8.4, 8.0], [60.0] * 5],
    ids=["at-once", "almost-at-once", "regular", "slow"],
)
def test_a_loop(delays: list[float]) -> None:
    assert found(delays) == [None] * (LIMIT - 1) + ["a"]


@pytest.mark.parametrize(
    "delays",
    [[0.3] * 4, [0.3, 0.3, 9.0, 0.3, 0.3, 0.3], [3.0, 7.0, 5.0, 4.0, 9.0, 3.5], [600.0] * 6],
    ids=["few", "with-a-pause", "a-person", "rare"],
)
def test_no_loop(delays: list[float]) -> None:
    assert found(delays) == [None] * len(delays)


def test_it_is_the_same_file_each_time() -> None:
    assert found([0.3] * 6, [["a"], ["b"], ["a"], ["b"], ["a"], ["b"]]) == [None] * 6
    assert found([0.3] * 5, [["a", "x"], ["y", "a"], ["a"], ["a", "x"], ["a"]])[-1] == "a"


def test_a_loop_that_begins_later_is_found_too() -> None:
    assert found([50.0, 4.0, 0.3, 0.3, 0.3, 0.3, 0.3])[-1] == "a"


def test_another_file_each_time_is_found_late() -> None:
    files = [[f"{number}.tmp"] for number in range(LIMIT_OF_ANY)]
    assert found([0.3] * LIMIT_OF_ANY, files) == [None] * (LIMIT_OF_ANY - 1) + [files[-1][0]]
    assert found([*[0.3] * 20, 9.0, *[0.3] * 9], files) == [None] * LIMIT_OF_ANY, "a pause in between"
