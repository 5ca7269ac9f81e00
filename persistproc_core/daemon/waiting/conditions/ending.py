"""Waiting for the end of a run, or for a state."""

from __future__ import annotations

from ....protocol import State
from ...model import Run
from ...states import TRANSITIONS
from .condition import Looked, Met

__all__ = ["Exit", "InState", "wait_over"]


async def wait_over(run: Run) -> None:
    """Wait until a run cannot serve anything any more.

    What put itself into the background (a server that daemonises, ``docker compose up -d``) has a leader that exited
    with code 0, and serves as long as something of it is left.
    """
    await run.ended.wait()
    if run.state == "exited":
        await run.gone.wait()


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
            if run.state == self._state or self._state in run.passed[self._begin :]:
                return Met("state")
            if self._state not in _reachable(run.state):
                return None
            looked()
            await run.changed.wait()

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
