"""The folders that are watched, each once, whoever watches it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread

from ..log import Log
from ..tasks import Tasks
from .polling import Polling, is_written_elsewhere
from .tree import Tree, TreeTooLarge

__all__ = ["Trees"]

Tell = Callable[[Iterable[str]], None]


class _Shared:
    """A watched folder, and those who are told."""

    def __init__(self) -> None:
        self.listeners: list[Tell] = []
        self.begun = anyio.Event()
        self.scope = anyio.CancelScope()

    def tell(self, paths: Iterable[str]) -> None:
        for listener in list(self.listeners):
            listener(paths)


class Trees:
    """Watches folders as long as somebody wants it."""

    def __init__(self, tasks: Tasks, log: Log) -> None:
        self._tasks = tasks
        self._log = log
        self._shared: dict[tuple[str, frozenset[str]], _Shared] = {}

    @asynccontextmanager
    async def watched(self, base: str, named: frozenset[str], tell: Tell) -> AsyncIterator[None]:
        """While the block lasts, ``tell`` gets the paths of changed files in this folder; see `tree.Tree`."""
        key = base, named
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = _Shared()
            self._tasks.start(self._watch, base, named, shared)
        shared.listeners.append(tell)
        try:
            await shared.begun.wait()
            yield
        finally:
            shared.listeners.remove(tell)
            if not shared.listeners:
                del self._shared[key]
                shared.scope.cancel()

    async def _watch(self, base: str, named: frozenset[str], shared: _Shared) -> None:
        with shared.scope:
            try:
                await self._run(base, named, shared)
            except OSError as error:
                self._log.warning("watch.failed", path=base, error=error.strerror or str(error))
            finally:
                # Nobody shall wait for what never comes.
                shared.begun.set()

    async def _run(self, base: str, named: frozenset[str], shared: _Shared) -> None:
        looks = await anyio.to_thread.run_sync(is_written_elsewhere, base)
        if sys.platform == "linux" and not looks:
            try:
                await Tree(base, named).run(shared.tell, shared.begun)
            except TreeTooLarge as error:
                self._log.warning("watch.polled", path=base, error=error.strerror)
                looks = True
        await Polling(base, named, looks=looks).run(shared.tell, shared.begun)
