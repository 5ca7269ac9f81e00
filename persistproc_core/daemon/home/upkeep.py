"""Looks after the home: what somebody deletes under the daemon is there again, and its processes never notice.

Everything that matters is in memory, or with the keeper: the records, the journal, the marks. What cannot come back is
the output that was in deleted files. A home in whose place somebody has put a link or a folder of another user is left
alone: nothing is written there, and who is connected goes on being served.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress

import anyio
import anyio.to_thread

from ...meant import signal_meant
from ...paths import Home
from ..answers.bookmarks import Bookmarks
from ..kernel.identity import command_line
from ..lifecycle import Lifecycle
from ..listener import Listener
from ..log import Log
from ..model import Process, Run
from ..registry import Registry
from ..store import Store
from .damage import concerns, keeper_is_hidden, lacks_record, watched_folders
from .guard import HomeGuard
from .lock import HomeLock, LockTaken
from .watch import Watch

__all__ = ["Upkeep"]

_FIRST_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 60.0


class Upkeep:
    """Mends the home. `run` does it for ever; nothing happens while nothing is deleted."""

    def __init__(
        self,
        home: Home,
        log: Log,
        lock: HomeLock,
        listener: Listener,
        lifecycle: Lifecycle,
        bookmarks: Bookmarks,
        disk: Store,
        registry: Registry,
        *,
        owns_home: Callable[[], bool],
        leave: Callable[[], None],
    ) -> None:
        """``owns_home()``: whether this daemon still serves the home; ``leave()``: another one does, end."""
        self._home = home
        self._guard = HomeGuard(home)
        self._log = log
        self._lock = lock
        self._listener = listener
        self._lifecycle = lifecycle
        self._bookmarks = bookmarks
        self._disk = disk
        self._registry = registry
        self._owns_home = owns_home
        self._leave = leave
        self._watch = Watch(log, self._matters)
        self._problem = ""
        self._retry: float | None = None

    async def run(self) -> None:
        """Mend what is deleted, for ever."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch.run)
            with suppress(OSError):
                await anyio.to_thread.run_sync(self._lock.sign)
            while True:
                await self._look()
                await self._watch.wait(self._retry)

    def _matters(self, folder: str, name: str) -> bool:
        if folder != self._home.runs:
            return concerns(self._home, folder, name)
        # We delete folders of ended runs ourselves, all day long.
        found = self._registry.run(name)
        return found is not None and _is_needed(*found)

    async def _look(self) -> None:
        if not self._owns_home():
            # Another daemon is taking our place, and looks itself; should it fail, we go on.
            self._retry = _FIRST_RETRY_SECONDS
            return
        try:
            mended = await self._mend()
        except LockTaken:
            # It made a lock of its own while ours had no name. Two must not serve one home, and it can be found.
            self._log.warning("home.taken", path=self._home.path, problem="another daemon has its lock; leaving it")
            self._leave()
        except OSError as error:
            self._refuse(error.strerror or str(error))
        except Exception as error:
            self._log.exception("home.unmended", error)
            self._retry = _LONGEST_RETRY_SECONDS
        else:
            if mended:
                self._log.warning("home.mended", what=", ".join(mended))
            self._problem, self._retry = "", None

    def _refuse(self, problem: str) -> None:
        if problem != self._problem:
            self._log.warning("home.refused", path=self._home.path, problem=problem)
            self._log.stay()
        self._problem = problem
        # Nobody tells us when it has been put right.
        self._retry = min((self._retry or _FIRST_RETRY_SECONDS / 2) * 2, _LONGEST_RETRY_SECONDS)

    async def _mend(self) -> list[str]:
        """What was missing and is there again. Raises `LockTaken`, and `OSError` when it cannot be."""
        mended = [] if await anyio.to_thread.run_sync(os.path.lexists, self._home.path) else ["home"]
        await anyio.to_thread.run_sync(self._guard.make_again)
        # Before the looks: what goes after them is told.
        self._watch.follow(watched_folders(self._home))
        if not self._lock.is_whole():
            await anyio.to_thread.run_sync(self._lock.mend)
            mended.append("lock")
        if not self._listener.is_whole():
            self._listener.bind_again()
            mended.append("socket")
        self._log.reopen()
        return [*mended, *await self._mend_runs(), *await self._mend_memories()]

    async def _mend_runs(self) -> list[str]:
        """The keeper's files, and the records of what it keeps."""
        needed = [run for process, run in self._registry.runs() if _is_needed(process, run) and run.launched.is_set()]
        lacking = await anyio.to_thread.run_sync(_without_record, needed)
        hidden = await anyio.to_thread.run_sync(keeper_is_hidden, self._home)
        mended = ["keeper"] if (lacking or hidden) and self._wake_keeper() else []
        for run in lacking:
            await self._lifecycle.write(run)
            await anyio.to_thread.run_sync(self._disk.note_spawned, run)
        return [*mended, f"{len(lacking)} records"] if lacking else mended

    async def _mend_memories(self) -> list[str]:
        mended = []
        if self._lifecycle.journal.sequence and not await anyio.to_thread.run_sync(os.path.lexists, self._home.events):
            self._lifecycle.journal.restore()
            mended.append("events")
        if not await anyio.to_thread.run_sync(os.path.lexists, self._home.marks) and await self._bookmarks.restore():
            mended.append("marks")
        if not await anyio.to_thread.run_sync(os.path.lexists, self._home.leases):
            mended += ["leases"] * await self._lifecycle.ports.leases.restore()
        return mended

    def _is_keeper(self, pid: int) -> bool:
        return self._home.keeper_socket in command_line(pid).split(" ")

    def _wake_keeper(self) -> bool:
        """Have the keeper make its files and the folders of its runs again."""
        pid = self._lifecycle.keeper.pid
        if pid is None:
            return False  # the next one makes them
        return signal_meant(pid, signal.SIGUSR1, self._is_keeper)


def _without_record(runs: list[Run]) -> list[Run]:
    return [run for run in runs if lacks_record(run.directory)]


def _is_needed(process: Process, run: Run) -> bool:
    """Whether something of the run is alive, or the next daemon must start it again."""
    return run.present or (process.planned is not None and run is process.current)
