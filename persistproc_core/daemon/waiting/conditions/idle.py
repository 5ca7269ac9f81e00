"""Waiting until a run prints nothing any more."""

from __future__ import annotations

import time
from typing import NamedTuple

import anyio
import anyio.to_thread

from ...logs.reader import RunLog
from ...model import Run
from ...store import last_written
from .condition import Looked, Met

__all__ = ["Idle"]

_TICK_NS = 10_000_000
"""The kernel's clock for files goes in steps of up to so much (CONFIG_HZ)."""


_LOOKS = 4
"""How often the file is looked at in the time that it is to be quiet."""

_SLEW_NS = 100_000_000
"""A clock that is only adjusted (adjtime(3)) differs less."""


class _Moment(NamedTuple):
    """The same moment by the wall clock, which files are stamped with, and by one that nobody sets (ns)."""

    wall: int
    steady: int

    @classmethod
    def now(cls) -> _Moment:
        return cls(time.time_ns(), time.monotonic_ns())

    def was_set_until(self, later: _Moment) -> bool:
        """Whether the wall clock was set in between."""
        return abs((later.wall - self.wall) - (later.steady - self.steady)) > _SLEW_NS


class Idle:
    """Nothing was printed for so many seconds since the wait began. A run that ended with code 0 is quiet at once."""

    def __init__(self, run: Run, seconds: float) -> None:
        self._run = run
        self._seconds = seconds

    async def met(self, looked: Looked) -> Met | None:
        run = self._run
        log = RunLog(run.directory)
        looked_at = _Moment.now()
        sizes = await anyio.to_thread.run_sync(log.sizes)
        quiet_since = looked_at.steady
        while run.live:
            left = self._seconds - (looked_at.steady - quiet_since) / 1e9
            if left <= 0:
                return Met("idle")
            looked()
            # Nobody is woken by output: now and then the file tells whether and when it was written.
            with anyio.move_on_after(min(left, self._seconds / _LOOKS)):
                await run.ended.wait()
                break
            before, looked_at = looked_at, _Moment.now()
            now = await anyio.to_thread.run_sync(log.sizes)
            if now != sizes:
                sizes = now
                written = await anyio.to_thread.run_sync(last_written, run)
                quiet_since = looked_at.steady - _age(written, before, looked_at)
        return Met("idle") if run.state == "exited" else None

    async def obstacle(self) -> str:
        return "it goes on printing"


def _age(written_ns: int | None, before: _Moment, now: _Moment) -> int:
    """How long before ``now`` something was written that was not there ``before``, in ns."""
    # A time outside of the two is of another clock (a file server's), or of a moment after the look. Where the clock
    # itself was set meanwhile, no time says anything.
    if written_ns is None or not before.wall - _TICK_NS <= written_ns <= now.wall or before.was_set_until(now):
        return 0
    return now.wall - written_ns
