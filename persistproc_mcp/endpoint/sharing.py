"""Work that is done once for all who want it, and only as long as somebody does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup

__all__ = ["Sharing", "Work"]

Work = Callable[[Callable[[], None]], Awaitable[None]]
"""Is told what to call when it has begun, and goes on until it is cancelled."""


class _Shared:
    def __init__(self) -> None:
        self.holders = 0
        self.begun = anyio.Event()
        self.scope = anyio.CancelScope()


class Sharing:
    """Runs each work in a task of its own, whoever wanted it first: that one may be the first to leave."""

    def __init__(self) -> None:
        self._shared: dict[Hashable, _Shared] = {}
        self._tasks: TaskGroup | None = None

    def __len__(self) -> int:
        """How many works are done now."""
        return len(self._shared)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._shared

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Own the tasks as long as the block lasts."""
        async with anyio.create_task_group() as self._tasks:
            try:
                yield
            finally:
                self._tasks.cancel_scope.cancel()

    @asynccontextmanager
    async def held(self, key: Hashable, work: Work) -> AsyncIterator[None]:
        """The work that the key names is under way as long as the block lasts."""
        shared = self._shared.get(key)
        if shared is None:
            assert self._tasks is not None, "only inside running()"
            shared = self._shared[key] = _Shared()
            self._tasks.start_soon(_do, shared, work)
        shared.holders += 1
        try:
            await shared.begun.wait()
            yield
        finally:
            shared.holders -= 1
            if not shared.holders:
                del self._shared[key]
                shared.scope.cancel()


async def _do(shared: _Shared, work: Work) -> None:
    with shared.scope:
        await work(shared.begun.set)
