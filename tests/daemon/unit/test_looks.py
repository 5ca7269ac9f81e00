"""One look for all who ask at the same moment."""

from __future__ import annotations

from collections.abc import Mapping

import anyio
import pytest

from persistproc_core.daemon.looks import Looks

pytestmark = pytest.mark.anyio


class Slow:
    """Looks that go on when they are told to."""

    def __init__(self) -> None:
        self.begun: list[set[str]] = []
        self.may_end = anyio.Event()
        self.error: OSError | None = None

    async def look(self, wanted: Mapping[str, int]) -> dict[str, int]:
        number = len(self.begun)
        self.begun.append(set(wanted))
        await self.may_end.wait()
        if self.error is not None:
            raise self.error
        return dict.fromkeys(wanted, number)


async def until_all_wait() -> None:
    await anyio.wait_all_tasks_blocked()


async def test_who_asks_meanwhile_shares_the_next_one() -> None:
    slow = Slow()
    looks = Looks(slow.look)
    told: dict[str, int] = {}

    async def ask(name: str) -> None:
        told[name] = (await looks.at({name: 1}))[name]

    async with anyio.create_task_group() as group:
        group.start_soon(ask, "first")
        await until_all_wait()
        for number in range(50):
            group.start_soon(ask, f"later {number}")
        await until_all_wait()
        slow.may_end.set()

    later = {f"later {number}" for number in range(50)}
    assert slow.begun == [{"first"}, later]
    assert told == {"first": 0, **dict.fromkeys(later, 1)}
    assert await looks.at({"again": 1}) == {"again": 2}


async def test_when_the_first_is_cancelled_the_second_looks() -> None:
    slow = Slow()
    looks = Looks(slow.look)
    told: list[int] = []

    async def ask(name: str, scope: anyio.CancelScope) -> None:
        with scope:
            told.append((await looks.at({name: 1}))["b"])

    first, second = anyio.CancelScope(), anyio.CancelScope()
    async with anyio.create_task_group() as group:
        group.start_soon(ask, "0", second)
        await until_all_wait()
        group.start_soon(ask, "a", first)
        await until_all_wait()
        group.start_soon(ask, "b", anyio.CancelScope())
        await until_all_wait()
        second.cancel()
        await until_all_wait()
        assert slow.begun == [{"0"}, {"a", "b"}]
        first.cancel()
        await until_all_wait()
        slow.may_end.set()

    assert slow.begun == [{"0"}, {"a", "b"}, {"a", "b"}]
    assert told == [2]


async def test_what_a_look_raises_is_raised_to_each() -> None:
    slow = Slow()
    slow.error = OSError("no descriptors")
    slow.may_end.set()
    looks = Looks(slow.look)
    raised: list[str] = []

    async def ask() -> None:
        with pytest.raises(OSError, match="no descriptors") as error:
            await looks.at({"a": 1})
        raised.append(str(error.value))

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(ask)
    assert len(raised) == 3
