"""Wakes whoever looks after the home: when something in it goes away, and when a client asks for a look (SIGUSR1).

Deleting a tree takes a moment. What is made again in the middle of it would only get in the way, so a look waits until
it is quiet; a client that asks is not kept waiting.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable

import anyio

from ...inotify import Inotify
from ..log import Log

__all__ = ["Watch"]

_QUIET_SECONDS = 0.1
_LONGEST_SECONDS = 1.0


class Watch:
    """Wait with `wait`; give it the folders with `follow`."""

    def __init__(self, log: Log, matters: Callable[[str, str], bool]) -> None:
        """``matters(folder, name)``: whether that something of this name went from the folder is worth a look."""
        self._log = log
        self._matters = matters
        self._news = anyio.Event()
        self._asked = False
        self._inotify: Inotify | None = None
        try:
            self._inotify = Inotify()
        except OSError as error:
            # Not Linux, or the user's inotify instances are used up: clients still ask when they find no socket.
            log.info("home.unwatched", error=error.strerror)

    def follow(self, folders: Iterable[str]) -> None:
        """Watch these folders; what is not there cannot be. Those that took another's place are watched instead."""
        if self._inotify is None:
            return
        for folder in folders:
            try:
                self._inotify.watch(folder)
            except OSError as error:
                self._log.warning("home.unwatched", path=folder, error=error.strerror)

    async def run(self) -> None:
        """Listen, for ever."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._listen_to_clients)
                if self._inotify is not None:
                    group.start_soon(self._listen_to_kernel, self._inotify)
        finally:
            if self._inotify is not None:
                self._inotify.close()

    async def _listen_to_clients(self) -> None:
        with anyio.open_signal_receiver(signal.SIGUSR1) as signals:
            async for _ in signals:
                self._asked = True
                self._news.set()

    async def _listen_to_kernel(self, inotify: Inotify) -> None:
        while True:
            await anyio.wait_readable(inotify.fd)
            changes = inotify.read()
            if any(not change.name or self._matters(change.folder, change.name) for change in changes):
                self._news.set()

    async def wait(self, at_most: float | None) -> None:
        """Return when there is a reason to look, or after so many seconds (None: never)."""
        with anyio.move_on_after(at_most):
            await self._news.wait()
        with anyio.move_on_after(_LONGEST_SECONDS):
            while self._news.is_set() and not self._asked:
                self._news = anyio.Event()
                with anyio.move_on_after(_QUIET_SECONDS):
                    await self._news.wait()
        self._news, self._asked = anyio.Event(), False
