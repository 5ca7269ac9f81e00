"""The first output of a run as an event. It is looked for only while somebody watches for it."""

from __future__ import annotations

import anyio.to_thread

from ..events.journal import Journal
from ..keeper import Keeper
from ..logs.reader import RunLog
from ..model import Process, Run
from ..registry import Registry
from ..tasks import Tasks

__all__ = ["Sightings"]


class Sightings:
    """Tells ``output_seen``."""

    def __init__(self, tasks: Tasks, registry: Registry, journal: Journal, keeper: Keeper) -> None:
        self._tasks = tasks
        self._registry = registry
        self._journal = journal
        self._keeper = keeper
        self._looking: set[str] = set()

    async def run(self) -> None:
        """Look, for ever; without a watcher it sleeps."""
        while True:
            changed = self._journal.changed
            if self._journal.watches("output_seen"):
                for process, run in self._registry.runs():
                    if run.live and run.launched.is_set() and run.run_id not in self._looking:
                        self._looking.add(run.run_id)
                        self._tasks.start(self._look, process, run)
            await changed.wait()

    async def _look(self, process: Process, run: Run) -> None:
        try:
            while True:
                growth, live = run.growth, run.live
                sizes = await anyio.to_thread.run_sync(RunLog(run.directory).sizes)
                if any(sizes):
                    self._journal.tell("output_seen", process, run)
                    # It stays among those that are looked at as long as it lives: once is enough.
                    await run.ended.wait()
                if not live or any(sizes):
                    return
                await self._keeper.watch(run, 0, 0)
                await growth.wait()
        finally:
            self._looking.discard(run.run_id)
