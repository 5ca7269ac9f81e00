"""Several conditions, of which the first that is true decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from ...errors import PersistprocError
from .conditions.condition import Condition, Met

__all__ = ["Attempt"]


class Attempt:
    """One wait. The time is up only after each condition has been looked at once."""

    def __init__(self, deadline: float) -> None:
        """``deadline`` is on anyio's clock."""
        self.met: Met | None = None
        self.conditions: list[Condition] = []
        self._beside: list[Callable[[], Awaitable[None]]] = []
        self._failure: PersistprocError | None = None
        self.looked = anyio.Event()
        """Set once each condition has been looked at."""
        self._deadline = deadline
        self._looked: set[Condition] = set()
        self._done = 0
        self._scope = anyio.CancelScope()

    def add(self, condition: Condition) -> None:
        """One more condition."""
        self.conditions.append(condition)

    def beside(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do this as long as the conditions are waited for; it may raise, and the wait has failed."""
        self._beside.append(work)

    def postpone(self, deadline: float) -> None:
        """Another time when it is up, sooner or later than the former one."""
        self._deadline = deadline
        if self.looked.is_set():
            self._scope.deadline = deadline

    async def obstacles(self) -> list[str]:
        """Why they are not true, of those that can tell more than that."""
        return [text for text in [await condition.obstacle() for condition in self.conditions] if text]

    async def run(self) -> bool:
        """False when the time was up. Raises what a condition raises."""
        with self._scope:
            async with anyio.create_task_group() as group:
                for condition in self.conditions:
                    group.start_soon(self._wait, condition, group.cancel_scope)
                for work in self._beside:
                    group.start_soon(self._guard, work, group.cancel_scope)
        if self._failure is not None:
            raise self._failure
        through = self.met is not None or self._done == len(self.conditions)
        return through or not self._scope.cancelled_caught

    async def _wait(self, condition: Condition, others: anyio.CancelScope) -> None:
        async def wait() -> None:
            met = await condition.met(lambda: self._has_looked(condition))
            self._done += 1
            self._has_looked(condition)
            if met is not None and self.met is None:
                self.met = met
            if self.met is not None or self._done == len(self.conditions):
                others.cancel()

        await self._guard(wait, others)

    async def _guard(self, work: Callable[[], Awaitable[None]], others: anyio.CancelScope) -> None:
        try:
            await work()
        except PersistprocError as error:
            self._failure = self._failure or error
            others.cancel()

    def _has_looked(self, condition: Condition) -> None:
        self._looked.add(condition)
        if len(self._looked) == len(self.conditions):
            self.looked.set()
            self._scope.deadline = self._deadline
