"""Waiting for the end of a run, or for a state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from ....protocol import State
from ...model import Run
from ...states import TRANSITIONS
from .condition import Looked, Met

__all__ = ["Exit", "InState", "answered", "wait_over"]


async def wait_over(run: Run) -> None:
    """Wait until a run cannot serve anything any more.

    What put itself into the background (a server that daemonises, ``docker compose up -d``) has a leader that exited
    with code 0, and serves as long as something of it is left.
    """
    await run.ended.wait()
    if run.state == "exited":
        await run.gone.wait()


async def answered(run: Run, answer: Callable[[], Awaitable[Met]], looked: Looked, seconds: float) -> Met | None:
    """What ``answer()`` gives; None when the run was over before. ``looked`` is called after so many seconds.

    What is asked and hangs must not keep the wait's own time from being up.
    """
    met: list[Met] = []
    async with anyio.create_task_group() as group:

        async def ask() -> None:
            met.append(await answer())
            group.cancel_scope.cancel()

        async def begin() -> None:
            await anyio.sleep(seconds)
            looked()

        group.start_soon(ask)
        group.start_soon(begin)
        await wait_over(run)
        group.cancel_scope.cancel()
    return met[0] if met else None


class Exit:
    """The run has ended."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def met(self, looked: Looked) -> Met:
        if self._run.live:
            looked()
        await self._run.ended.wait()
        return Met("exit")

    async def obstacle(self) -> str:
        return ""


class InState:
    """The run is in a state, or was for a moment since the wait began."""

    def __init__(self, run: Run, state: State) -> None:
        self._run = run
        self._state = state
        self._begin = len(run.passed)

    async def met(self, looked: Looked) -> Met | None:
        run = self._run
        while True:
            if self._state in (run.state, *run.passed[self._begin :]) or self._is_restarting():
                return Met("state")
            if self._state not in _reachable(run.state) and not (self._state == "restarting" and run.live):
                return None
            looked()
            await run.changed.wait()

    def _is_restarting(self) -> bool:
        # A state of the process, in which its newest run is over.
        return self._state == "restarting" and self._run.next_restart is not None

    async def obstacle(self) -> str:
        return ""


def _reachable(state: State) -> set[State]:
    found: set[State] = set()
    todo = [state]
    while todo:
        state = todo.pop()
        following = {after for (before, _), after in TRANSITIONS.items() if before == state} - found
        found |= following
        todo += following
    return found
