"""Looks after the bridge's files while it serves: what somebody deletes is there again, and nobody is cut off.

The child does it, whose event loop hears of it; the watcher is handed what is new, for the children that follow. A home
in whose place somebody has put a link or a folder of another user is left alone: nothing is written there.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
import anyio.to_thread

from persistproc_core.errors import PersistprocError
from persistproc_core.inotify import Change, Inotify
from persistproc_core.paths import Home

from .. import log
from .files import Files
from .lock import LockTaken
from .watch import HandOver

__all__ = ["Upkeep"]

_QUIET_SECONDS = 0.1
_LONGEST_SECONDS = 1.0
_TAKEN_SECONDS = 3.0
_AGAIN_SECONDS = 0.1
_FIRST_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 60.0
_NAMES = frozenset({"mcp.sock", "bridge.lock", "bridge.log", "token"})


class Upkeep:
    """Mends the files. `run` does it for ever; nothing happens while nothing is deleted."""

    def __init__(self, home: Home, files: Files, hand_over: HandOver) -> None:
        self._home = home
        self._files = files
        self._hand_over = hand_over
        self._published = files.lock, files.unix.socket
        self._problem = ""
        self._retry: float | None = None
        self._inotify: Inotify | None = None
        try:
            self._inotify = Inotify()
        except OSError as error:
            # Not Linux, or the user's inotify instances are used up: the next child mends them.
            log.info("home.unwatched", error=error.strerror)

    async def run(self, serve_on: Callable[[socket.socket], Awaitable[None]]) -> None:
        """Mend what is deleted, for ever; ``serve_on`` is given each new socket."""
        try:
            while True:
                self._follow()
                await self._look(serve_on)
                await self._news()
        finally:
            if self._inotify is not None:
                self._inotify.close()

    # --- the reasons to look --------------------------------------------------------------------------------------

    def _follow(self) -> None:
        # Before the look: what goes after it is told. What is not there yet is followed after it.
        if self._inotify is None:
            return
        for folder in {self._home.path, os.path.dirname(self._home.bridge_socket)}:
            with suppress(OSError):  # it is missing, or in its place is something else
                self._inotify.watch(folder)

    def _matters(self, change: Change) -> bool:
        path = os.path.join(change.folder, change.name)
        in_home = change.folder == self._home.path and change.name in _NAMES
        return not change.name or in_home or path == self._home.bridge_socket

    async def _news(self) -> None:
        """Return when there is a reason to look, and it is quiet: what is made too early is in the way of ``rm -r``."""
        if self._inotify is None:
            with anyio.move_on_after(self._retry):
                await anyio.sleep_forever()
            return
        with anyio.move_on_after(self._retry):
            while not any(self._matters(change) for change in self._inotify.read()):
                await anyio.wait_readable(self._inotify.fd)
        with anyio.move_on_after(_LONGEST_SECONDS):
            quiet = False
            while not quiet:
                with anyio.move_on_after(_QUIET_SECONDS) as waited:
                    await anyio.wait_readable(self._inotify.fd)
                    self._inotify.read()
                quiet = waited.cancelled_caught

    # --- the look -------------------------------------------------------------------------------------------------

    async def _look(self, serve_on: Callable[[socket.socket], Awaitable[None]]) -> None:
        try:
            mended = await self._mend()
            if "home" in mended:
                # It is another folder, and of what went from it in this moment nobody told us.
                self._follow()
                mended += await self._mend()
        except LockTaken:
            # It made a lock of its own while ours had no name. Two must not serve one home, and it can be found.
            log.warning("home.taken", path=self._home.path, problem="another bridge has its lock; leaving it")
            os.kill(os.getpid(), signal.SIGTERM)
        except PersistprocError as error:
            self._refuse(error.message)
        except OSError as error:
            self._refuse(error.strerror or str(error))
        except Exception as error:
            log.exception("home.unmended", error)
            self._retry = _LONGEST_RETRY_SECONDS
        else:
            log.reopen()
            if mended:
                log.warning("home.mended", what=", ".join(mended))
            self._problem, self._retry = "", None
        # Whatever else is wrong: what is there again has to be served, and known to the next child.
        former, self._published = self._published, (self._files.lock, self._files.unix.socket)
        lock, listener = self._published
        if listener is not former[1]:
            await serve_on(listener)
        if self._published != former:
            self._hand_over([lock, listener.fileno()], self._files.unix.inode)

    async def _mend(self) -> list[str]:
        deadline = anyio.current_time() + _TAKEN_SECONDS
        while True:
            try:
                return await anyio.to_thread.run_sync(self._files.mend)
            except LockTaken:
                # One that finds our port taken gives its lock up at once; then the home is ours again.
                if anyio.current_time() >= deadline:
                    raise
            await anyio.sleep(_AGAIN_SECONDS)

    def _refuse(self, problem: str) -> None:
        if problem != self._problem:
            log.warning("home.refused", path=self._home.path, problem=problem)
            log.stay()
        self._problem = problem
        # Nobody tells us when it has been put right.
        self._retry = min((self._retry or _FIRST_RETRY_SECONDS / 2) * 2, _LONGEST_RETRY_SECONDS)
