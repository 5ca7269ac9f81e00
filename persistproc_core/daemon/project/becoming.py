"""How far a run gets: begun, ready, completed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

import anyio

from ...errors import PersistprocError
from ...protocol import ProcessResult, Readiness
from ..model import Process, Run
from ..readiness.rules import is_expected
from ..restarting.uptime import up_seconds
from .steps import Step

__all__ = ["Becoming", "Begun", "Readies"]

_PROVES_ITSELF_SECONDS = 5.0
"""A worker may neither print nor listen: what has lived so long, and never said how it is to be ready, is up."""
_PROVED = f"up: has lived for {_PROVES_ITSELF_SECONDS:g} s; nothing tells whether it is ready"


class Readies(Protocol):
    """Waits for runs to be ready."""

    async def wait(self, process: Process, run: Run, seconds: float | None) -> Readiness:
        """What was seen of it."""


class Begun(NamedTuple):
    """A run that is there, and what was done for it."""

    process: Process
    run: Run
    outcome: ProcessResult
    is_done: bool = False


class Becoming:
    """Follows runs, up to a time."""

    def __init__(
        self,
        readies: Readies,
        last_lines: Callable[[Run], Awaitable[list[str]]],
        deadline: float,
        *,
        waits: bool,
    ) -> None:
        """``last_lines(run)``: the end of its output. ``waits``: also for what nothing else needs."""
        self._readies = readies
        self._last_lines = last_lines
        self._deadline = deadline
        self._waits = waits

    async def follow(self, step: Step, begun: Begun) -> None:
        """Tell those that need it how far it is, and note what becomes of it."""
        step.reach("started")
        begun.outcome["ready"] = begun.run.ready
        if begun.is_done:
            step.reach("ready", "completed")
        elif self._is_awaited(step) and not await self._become_ready(step, begun):
            return
        step.finish(begun.outcome)

    def _is_awaited(self, step: Step) -> bool:
        return self._waits or not {"ready", "completed"}.isdisjoint(step.expected)

    async def _become_ready(self, step: Step, begun: Begun) -> bool:
        process, run = begun.process, begun.run
        if not (run.ready and run.live):
            readiness, run = await self._readiness(process, run)
            # One that is waited for to the end may come to it before anybody sees that it was ready.
            is_done = run.state == "exited" and "completed" in step.expected
            is_ready = is_done or readiness["outcome"] in ("ready", "exited")
            if not is_ready and not (readiness["outcome"] == "timed_out" and _proved_itself(run)):
                step.not_ready(readiness, run)
                return False
            words = run.reason if is_done else readiness["words"]
            words = words if is_ready else _PROVED
            begun.outcome["reason"] = begun.outcome["reason"] or words
            begun.outcome["ready"] = True if is_ready else None
        step.reach("ready")
        if "completed" not in step.expected:
            return True
        return await self._complete(step, process, run)

    async def _readiness(self, process: Process, run: Run) -> tuple[Readiness, Run]:
        """What is seen of it, or of the run that its restart policy puts in its place."""
        while True:
            readiness = await self._readies.wait(process, run, self._left(run))
            following = await self._next_run(process, run) if readiness["outcome"] == "failed" else None
            if following is None:
                return readiness, run
            run = following

    def _left(self, run: Run) -> float:
        """How long may be waited for it (s)."""
        left = self._deadline - anyio.current_time()
        own = run.settings.ready.get("timeout_seconds") if run.settings.ready is not None else None
        if not is_expected(run.settings):
            own = _PROVES_ITSELF_SECONDS
        if own is not None:
            left = min(left, own - up_seconds(run, seen=run.live))
        return max(0.0, left)

    async def _next_run(self, process: Process, run: Run) -> Run | None:
        """The one that its restart policy, or somebody, puts in its place, in time; None: there will be none."""
        with anyio.move_on_at(self._deadline):
            while process.current is run:
                if process.restarting == run.number:
                    async with process.lock:  # held until the other one is there, or could not be started
                        continue
                if process.planned is None:
                    break
                await process.planned.over.wait()
        return process.current if process.current is not run else None

    async def _complete(self, step: Step, process: Process, run: Run) -> bool:
        following: Run | None = run
        while following is not None:
            run = following
            with anyio.move_on_at(self._deadline):
                await run.ended.wait()
            if run.state == "exited":
                step.reach("completed")
                return True
            following = None if run.live else await self._next_run(process, run)
        step.is_late = run.live
        reason = "it did not end in time" if run.live else run.reason or run.state
        step.failed(PersistprocError(reason, data={"last_lines": await self._last_lines(run)}))
        return False


def _proved_itself(run: Run) -> bool:
    """Whether it has lived long enough for one of which nobody said how it is ready."""
    return not is_expected(run.settings) and run.live and up_seconds(run, seen=True) > _PROVES_ITSELF_SECONDS - 0.5
