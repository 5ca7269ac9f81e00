"""Processes that end by themselves: after their ttl, or when nobody has used them for their idle timeout.

One timer for each process that somebody gave such a limit; without one nothing ever wakes up. A timer only says when
to look: what counts is the age of the leader and the time of the last use, so a daemon that was stopped or replaced,
a machine that slept and a clock that was set end nothing too early.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable

import anyio

from ...errors import PersistprocError
from ..log import Log
from ..model import Cause, Process, Run
from ..restarting.plans import PERSISTPROC, Restarting
from ..tasks import Tasks
from .limits import Due, due
from .uses import Uses

__all__ = ["Expiry"]

_LONGEST_SECONDS = 600.0
"""A timer of the event loop stands still while the machine sleeps, and a ttl does not."""
_CONNECTIONS_SECONDS = 50.0
"""The kernel remembers a connection for 60 seconds after its end (see `kernel.connections`)."""
_LEAST_SECONDS = 0.05
_LATE_SECONDS = 0.5
"""A timer that comes so late was not waited for all the time: we were stopped."""


class Expiry:
    """The timers."""

    def __init__(
        self,
        tasks: Tasks,
        log: Log,
        uses: Uses,
        restarting: Restarting,
        *,
        end: Callable[[Run, Cause], Awaitable[object]],
        look: Callable[[Iterable[Process]], Awaitable[object]],
    ) -> None:
        """``end(run, cause)`` stops a run softly, ``look(processes)`` notes who is connected to their ports."""
        self._tasks = tasks
        self._log = log
        self._uses = uses
        self._restarting = restarting
        self._end_run = end
        self._look = look
        self._open = False
        self._changed: dict[Process, anyio.Event] = {}

    def open(self, processes: Iterable[Process]) -> None:
        """End what is over from now on; before that nothing ends by itself."""
        self._open = True
        for process in processes:
            self.changed(process)

    def changed(self, process: Process) -> None:
        """It has got another limit, another run, or its run has ended. Never blocks."""
        watched = self._changed.get(process)
        if watched is not None:
            watched.set()
        elif self._open and due(process, self._uses) is not None:
            self._changed[process] = anyio.Event()
            self._tasks.start(self._watch, process)

    async def _watch(self, process: Process) -> None:
        try:
            while True:
                changed = self._changed[process] = anyio.Event()
                if process.options.idle_timeout_seconds is not None and due(process, self._uses) is not None:
                    await self._look_at_connections(process)
                limit = due(process, self._uses)
                if limit is not None and limit.seconds <= 0:
                    await self._end(process)
                    limit = due(process, self._uses)
                if limit is None:
                    return
                await self._sleep(process, limit, changed)
        finally:
            del self._changed[process]

    async def _look_at_connections(self, process: Process) -> None:
        try:
            await self._look([process])
        except OSError as error:
            # No descriptor is left. Somebody may be connected whom nobody sees; and a ttl counts all the same.
            self._log.warning("expiry.unlooked", process=process.name, error=error.strerror)
            self._uses.excuse(process, _CONNECTIONS_SECONDS)

    async def _sleep(self, process: Process, limit: Due, changed: anyio.Event) -> None:
        pause = min(max(limit.seconds, _LEAST_SECONDS), _LONGEST_SECONDS)
        if process.options.idle_timeout_seconds is not None and pause > _CONNECTIONS_SECONDS:
            # At the same moments for all processes, so that one look is enough.
            pause = _CONNECTIONS_SECONDS - time.monotonic() % _CONNECTIONS_SECONDS
        until = time.monotonic() + pause
        with anyio.move_on_after(pause):
            await changed.wait()
            return
        late = time.monotonic() - until
        if late > _LATE_SECONDS:
            # Since when we were stopped nobody knows, and what clients asked meanwhile is still to be read.
            self._uses.excuse(process, pause + late)

    async def _end(self, process: Process) -> None:
        """End it when that is still due once nobody else is at it."""
        async with process.lock:
            limit = due(process, self._uses)
            if limit is None or limit.seconds > 0:
                return
            run = process.runs[-1]
            self._log.info("run.expired", run=run.run_id, reason=limit.reason)
            cause = Cause("stopped", PERSISTPROC, limit.reason)
            if process.planned is not None:
                await self._restarting.cancel(process, cause)
                return
            try:
                await self._end_run(run, cause)
            except PersistprocError as error:
                self._log.warning("expiry.failed", run=run.run_id, error=error.message)
