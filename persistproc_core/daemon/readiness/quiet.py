"""Signs of a run that nobody has said anything about: it has printed something and is quiet; it is over."""

from __future__ import annotations

import time

import anyio
import anyio.to_thread

from ..answers.output import Output
from ..logs.reader import RunLog
from ..logs.segments import Offsets
from ..model import Run
from ..store import last_written
from ..waiting.conditions.condition import Looked, Met, unheeded
from ..waiting.conditions.idle import Idle

__all__ = ["QUIET_SECONDS", "Completed", "Over", "Quiet"]

QUIET_SECONDS = 2.0
_LEFT_SECONDS = 2.0


class Quiet:
    """It has printed something, and then nothing for two seconds; never true of one that has ended."""

    def __init__(self, run: Run, output: Output) -> None:
        self._run = run
        self._output = output

    async def met(self, looked: Looked) -> Met | None:
        run = self._run
        if run.live and await anyio.to_thread.run_sync(_is_quiet_for_long, run):
            return Met("idle")  # it runs for long, and somebody asks only now
        looked()
        await self._output.wait_beyond(run, Offsets(0, 0), "combined")
        met = await Idle(run, QUIET_SECONDS).met(unheeded)
        return None if run.ended.is_set() else met

    async def obstacle(self) -> str:
        return ""


class Over:
    """It has ended. What went into the background (exit code 0, and something of it lives) has a little longer."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def met(self, looked: Looked) -> Met | None:
        looked()
        run = self._run
        await run.ended.wait()
        if run.state == "exited":
            with anyio.move_on_after(_LEFT_SECONDS):
                await run.gone.wait()
        return Met("exit")

    async def obstacle(self) -> str:
        return ""


class Completed:
    """It has exited with code 0."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def met(self, looked: Looked) -> Met | None:
        if self._run.live:
            looked()
        await self._run.ended.wait()
        return Met("exit") if self._run.state == "exited" else None

    async def obstacle(self) -> str:
        return "it has not ended"


def _is_quiet_for_long(run: Run) -> bool:
    if not any(RunLog(run.directory).sizes()):
        return False
    written = last_written(run)
    return written is not None and time.time_ns() - written > QUIET_SECONDS * 1e9
