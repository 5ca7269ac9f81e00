"""The folders that are watched, each once, whoever watches it."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import NamedTuple

import anyio
import anyio.to_thread

from ..log import Log
from ..tasks import Tasks
from .polling import Polling, is_written_elsewhere
from .tree import MOST_FOLDERS, Tree, TreeTooLarge

__all__ = ["Trees"]

Tell = Callable[[Iterable[str]], None]


class _Listener(NamedTuple):
    tell: Tell
    fail: Callable[[str], None]


class _Shared:
    """A watched folder, and those who are told."""

    def __init__(self) -> None:
        self.listeners: list[_Listener] = []
        self.begun = anyio.Event()
        self.scope = anyio.CancelScope()
        self.problem = ""
        """Why it is not watched any more."""

    def tell(self, paths: Iterable[str]) -> None:
        for listener in list(self.listeners):
            listener.tell(paths)

    def fail(self, problem: str) -> None:
        self.problem = problem
        for listener in list(self.listeners):
            listener.fail(problem)


class Trees:
    """Watches folders as long as somebody wants it."""

    def __init__(self, tasks: Tasks, log: Log, most_folders: int = MOST_FOLDERS) -> None:
        """``most_folders``: of one tree."""
        self._tasks = tasks
        self._most_folders = most_folders
        self._log = log
        self._shared: dict[tuple[str, frozenset[str]], _Shared] = {}

    @asynccontextmanager
    async def watched(
        self, base: str, named: frozenset[str], tell: Tell, fail: Callable[[str], None]
    ) -> AsyncIterator[None]:
        """While the block lasts, ``tell`` gets the paths of changed files in this folder; see `tree.Tree`.

        ``fail(problem)`` is called when it cannot be watched any more. A folder that is itself a symbolic link, or
        lies behind one, is watched where it is.
        """
        real = await anyio.to_thread.run_sync(os.path.realpath, base)
        if real != base:
            tell, named = _by_other_name(tell, real, base), frozenset(real + name[len(base) :] for name in named)
        listener, key = _Listener(tell, fail), (real, named)
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = _Shared()
            self._tasks.start(self._watch, real, named, shared)
        shared.listeners.append(listener)
        try:
            await shared.begun.wait()
            if shared.problem:
                fail(shared.problem)
            yield
        finally:
            shared.listeners.remove(listener)
            if not shared.listeners:
                del self._shared[key]
                shared.scope.cancel()

    async def _watch(self, base: str, named: frozenset[str], shared: _Shared) -> None:
        with shared.scope:
            try:
                await self._run(base, named, shared)
            except OSError as error:
                problem = error.strerror or str(error)
                self._log.warning("watch.failed", path=base, error=problem)
                shared.fail(f"{base} cannot be watched: {problem}")
            finally:
                # Nobody shall wait for what never comes.
                shared.begun.set()

    async def _run(self, base: str, named: frozenset[str], shared: _Shared) -> None:
        looks = await anyio.to_thread.run_sync(is_written_elsewhere, base)
        if sys.platform == "linux" and not looks:
            try:
                await Tree(base, named, self._most_folders).run(shared.tell, shared.begun)
            except TreeTooLarge as error:
                self._log.warning("watch.polled", path=base, error=error.strerror)
                looks = True
        await Polling(base, named, looks=looks).run(shared.tell, shared.begun)


def _by_other_name(tell: Tell, real: str, base: str) -> Tell:
    start = len(real.rstrip("/"))
    return lambda paths: tell([base + path[start:] for path in paths])
