"""Waiting until a run prints nothing any more."""

from __future__ import annotations

import time

import anyio
import anyio.to_thread

from ...logs.reader import RunLog
from ...model import Run
from ...store import last_written
from .condition import Looked, Met

__all__ = ["Idle"]

_TICK_NS = 10_000_000
"""The kernel's clock for files goes in steps of up to so much (CONFIG_HZ)."""


class Idle:
    """Nothing was printed for so many seconds since the wait began. A run that ended with code 0 is quiet at once."""

    def __init__(self, run: Run, seconds: float) -> None:
        self._run = run
        self._seconds = seconds

    async def met(self, looked: Looked) -> Met | None:
        run = self._run
        log = RunLog(run.directory)
        last_look = time.time_ns()
        sizes = await anyio.to_thread.run_sync(log.sizes)
        left = self._seconds
        while run.live:
            if self._seconds <= 0:
                return Met("idle")
            looked()
            # Nobody is woken by output: when the time is up, the file tells when it was written last.
            with anyio.move_on_after(left):
                await run.ended.wait()
                break
            before, last_look = last_look, time.time_ns()
            now = await anyio.to_thread.run_sync(log.sizes)
            if now == sizes:
                return Met("idle")
            sizes = now
            left = self._left_since(await anyio.to_thread.run_sync(last_written, run), before)
        return Met("idle") if run.state == "exited" else None

    def _left_since(self, written_ns: int | None, looked_ns: int) -> float:
        now = time.time_ns()
        # What is new was written since the look before: a time outside of that is of another clock (a file server's).
        if written_ns is None or not looked_ns - _TICK_NS <= written_ns <= now:
            written_ns = now
        return self._seconds - (now - written_ns) / 1e9

    async def obstacle(self) -> str:
        return "it goes on printing"
