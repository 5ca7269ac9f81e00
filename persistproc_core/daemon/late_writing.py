"""Records that could not be written (a full disk, a home that is not ours just now) are written as soon as they can be.

Without it the last word on disk would be an old one until something else happens to the run, and a daemon that is
killed meanwhile would leave its successor with it: a process that somebody stopped would look as if it had failed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from .model import Run
from .tasks import Tasks

__all__ = ["LateWriter"]

_PAUSE_SECONDS = 0.5


class LateWriter:
    """Tries again twice a second while, and only while, there is something that could not be written."""

    def __init__(self, tasks: Tasks, save: Callable[[Run], Awaitable[None]], done: Callable[[], None]) -> None:
        """``save(run)`` raises `OSError`; ``done()`` is called when all is written."""
        self._tasks = tasks
        self._save = save
        self._done = done
        self._runs: dict[str, Run] = {}
        self._busy = False

    def add(self, run: Run) -> None:
        """The record of the run could not be written."""
        self._runs[run.run_id] = run
        if not self._busy:
            self._busy = True
            self._tasks.start(self._write)

    async def _write(self) -> None:
        try:
            while self._runs:
                await anyio.sleep(_PAUSE_SECONDS)
                await self._try()
            self._done()
        finally:
            self._busy = False

    async def _try(self) -> None:
        for run_id, run in list(self._runs.items()):
            try:
                await self._save(run)
            except OSError:
                return
            del self._runs[run_id]
