"""The order of events when a daemon has itself replaced. It goes on as if nothing had been when that does not work.

1. The new one is started and loads all of its code, and looks at the records. The old one serves meanwhile.
2. The old one lets no request in any more, ends the questions under way, and waits for the verbs to come to their end.
   New clients wait in the queue of the socket; those that are connected are told to ask again.
3. It lets go of the keeper and of the journal, and holds the lock of each process: nothing starts or ends any more.
4. It sends the lock, the socket and its memory. The new one takes them over and says so when it serves.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
import anyio.to_thread

from ... import __version__
from ...errors import ReplaceFailed
from ...protocol import ReplaceDaemonParams, ReplaceReply
from ..home.lock import HomeLock, note_pid
from ..lifecycle import Lifecycle
from ..listener import Listener
from ..log import Log
from ..notify import Notifier
from ..registry import Registry
from .gate import Gate
from .memory import Memory
from .successor import failed, start
from .taking import Inherited

__all__ = ["Replacing"]

_LOADED_SECONDS = 20.0
_VERBS_SECONDS = 10.0
_READY_SECONDS = 20.0
_LOGGED_CHARACTERS = 1000


class Replacing:
    """Replaces this daemon by another one."""

    def __init__(
        self,
        home: str,
        log: Log,
        *,
        lock: HomeLock,
        inherited: Inherited,
        notifier: Notifier,
        gate: Gate,
        memory: Memory,
        registry: Registry,
        lifecycle: Lifecycle,
    ) -> None:
        self._home = home
        self._log = log
        self._lock = lock
        self._inherited = inherited
        self._notifier = notifier
        self._gate = gate
        self._memory = memory
        self._registry = registry
        self._lifecycle = lifecycle
        self._under_way = False
        self.listener: Listener
        self.done = False
        """True once the new one serves: nothing on disk is ours any more."""

    async def replace(self, params: ReplaceDaemonParams) -> ReplaceReply:
        """Have another daemon serve. Raises `ReplaceFailed`; then nothing has changed."""
        self._gate.check()
        if self._under_way:
            raise ReplaceFailed("another replacement is under way", hint="wait for its end")
        self._under_way = True
        try:
            return await self._replace(params)
        except ReplaceFailed as error:
            said = str(error.data.get("output", ""))[-_LOGGED_CHARACTERS:]
            self._log.warning("daemon.not_replaced", error=error.message, output=said)
            raise
        finally:
            self._under_way = False

    async def _replace(self, params: ReplaceDaemonParams) -> ReplaceReply:
        program = [*params.get("program", _own_program()), "--home", self._home]
        # What the service manager said to us alone is not in any environment; the new one is the service from now on.
        environment = {**params.get("environment", os.environ), **self._notifier.variables}
        self._log.info("daemon.replacing", program=program)
        await self._lifecycle.write_spoiled()
        async with await anyio.to_thread.run_sync(start, program, environment) as successor:
            self._check((await successor.hear("loaded", _LOADED_SECONDS)).content)
            async with self._standing_still():
                given = {"inherited": self._inherited._asdict(), "memory": self._memory.give()}
                await successor.say(given, [self._lock.fd, self.listener.fileno()])
                ready = (await successor.hear("ready", _READY_SECONDS)).content
                successor.keep()
                self.done = True
            self._log.info("daemon.replaced", pid=successor.pid, version=ready.get("version"))
            await anyio.to_thread.run_sync(self._notifier.hand_over, successor.pid)
        return {
            "pid": successor.pid,
            "version": str(ready.get("version")),
            "instance": str(ready.get("instance")),
            "previous_pid": os.getpid(),
            "previous_version": __version__,
        }

    def _check(self, loaded: Mapping[str, object]) -> None:
        """Raise `ReplaceFailed` when the new one would not know one of our runs: it would be lost to the user."""
        unreadable = loaded.get("unreadable")
        names = [run_id for run_id in unreadable if self._registry.run(run_id)] if isinstance(unreadable, list) else []
        if names:
            told = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            raise failed(f"version {loaded.get('version')} cannot read what version {__version__} wrote of {told}")

    @asynccontextmanager
    async def _standing_still(self) -> AsyncIterator[None]:
        """Nothing starts, ends or is written as long as the block lasts. Unless we were replaced, all goes on then."""
        keeper, journal, listener = self._lifecycle.keeper, self._lifecycle.journal, self.listener
        async with AsyncExitStack() as undo:
            self._gate.close()
            undo.callback(self._gate.open)
            listener.pause()
            undo.callback(listener.resume)
            undo.callback(self._lifecycle.copying.resume)
            await self._lifecycle.copying.pause()
            await self._hold_processes(undo)
            undo.callback(keeper.resume)
            await keeper.suspend()
            undo.push_async_callback(journal.resume)
            await journal.pause()
            undo.callback(note_pid, self._lock.fd)
            yield
            if self.done:
                # All stays as it is until our end, which is near.
                undo.pop_all()

    async def _hold_processes(self, held: AsyncExitStack) -> None:
        """Wait for all that starts or ends a run, and let nothing more begin.

        Raises `ReplaceFailed` when that takes too long.
        """
        with anyio.move_on_after(_VERBS_SECONDS) as waited:
            await self._gate.quiet()
            for process in list(self._registry):
                await held.enter_async_context(process.lock)
            for _, run in self._registry.runs():
                if run.present:
                    await held.enter_async_context(run.writing)
        if waited.cancelled_caught:
            busy = ", ".join(sorted(set(self._gate.verbs))) or "a restart or stop by itself"
            raise ReplaceFailed(
                f"{busy} has not come to an end within {_VERBS_SECONDS:g} s",
                hint="try again when that is done; until then the old daemon goes on",
            )


def _own_program() -> list[str]:
    return [sys.executable, "-m", "persistproc_core.daemon"]
