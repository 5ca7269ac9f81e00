"""How much output is kept in total: beyond it the oldest goes first, of whatever run.

A look is taken when a run begins or ends and when the keeper begins a new segment; nobody looks at an idle machine.
On a full disk the oldest output of ended runs goes as well, so that what runs can go on writing.
"""

from __future__ import annotations

import math
import os
from functools import partial

import anyio
import anyio.to_thread

from ..events.journal import Journal
from ..log import Log
from ..registry import Registry
from .config import Configuration
from .output_index import Known, OutputIndex

__all__ = ["Retention"]

_REST_SECONDS = 0.2
_TELL_SECONDS = 5.0
_ROOM_BYTES = 64 * 1024 * 1024
"""What a full disk is given back, as far as ended runs have it: as much as a stream may need by default."""


class Retention:
    """Counts the output, and deletes the oldest when all of it together is too much."""

    def __init__(
        self, runs_directory: str, log: Log, registry: Registry, configuration: Configuration, journal: Journal
    ) -> None:
        self._directory = runs_directory
        self._log = log
        self._registry = registry
        self._configuration = configuration
        self._journal = journal
        self._index = OutputIndex()
        self._looking = anyio.Lock()
        self._due = anyio.Event()
        self._rolled: set[str] = set()
        self._disk_full = False
        self._untold: dict[str, int] = {}
        self._told_at = -math.inf

    @property
    def total_bytes(self) -> int:
        """Size of all kept output when it was last looked at."""
        return self._index.total

    def wake(self) -> None:
        """A run has begun or ended: there may be too much output."""
        self._due.set()

    def rolled(self, run_id: str) -> None:
        """The keeper has begun a new segment of the run."""
        self._rolled.add(run_id)
        self._due.set()

    def lost(self, run_id: str, count: int) -> None:
        """The disk is full, and the keeper has deleted or dropped output of the run."""
        self._untold[run_id] = self._untold.get(run_id, 0) + count
        self._rolled.add(run_id)
        self._disk_full = True
        self._due.set()

    async def run(self) -> None:
        """Look whenever there is a reason, for ever."""
        self._due.set()
        while True:
            await self._wait()
            self._due = anyio.Event()
            try:
                await self._look_and_delete()
            except Exception as error:
                # Whatever is wrong with one folder must not end the daemon, nor this task.
                self._log.exception("retention.failed", error)
            self._tell()
            # A flood begins hundreds of segments a second; each stream is bounded by the keeper meanwhile.
            await anyio.sleep(_REST_SECONDS)

    async def _wait(self) -> None:
        if self._untold:
            with anyio.move_on_at(self._told_at + _TELL_SECONDS):
                await self._due.wait()
        else:
            await self._due.wait()

    async def measure(self) -> int:
        """The size of all output, now."""
        async with self._looking:
            await self._look()
            return self._index.total

    async def _look(self) -> None:
        rolled, self._rolled = self._rolled, set()
        known = [Known(run.run_id, run.directory, run.gone.is_set()) for _, run in self._registry.runs()]
        await anyio.to_thread.run_sync(self._index.look, known, rolled)

    async def _look_and_delete(self) -> None:
        await self._configuration.refresh()
        async with self._looking:
            await self._look()
            excess = self._index.total - self._configuration.total_bytes
            if excess > 0:
                self._note(await anyio.to_thread.run_sync(self._index.delete_oldest, excess), "limit")
            if self._disk_full:
                self._disk_full = False
                missing = _ROOM_BYTES - await anyio.to_thread.run_sync(_free_bytes, self._directory)
                if missing > 0:
                    delete = partial(self._index.delete_oldest, missing, only_gone=True)
                    self._note(await anyio.to_thread.run_sync(delete), "disk full")

    def _note(self, deleted: dict[str, int], reason: str) -> None:
        if deleted:
            self._log.info("output.deleted", reason=reason, runs=len(deleted), bytes=sum(deleted.values()))
        for run_id, count in deleted.items():
            self._untold[run_id] = self._untold.get(run_id, 0) + count

    def _tell(self) -> None:
        # At most once in some seconds: a flood on a full disk would fill the journal with what it loses.
        if not self._untold or anyio.current_time() < self._told_at + _TELL_SECONDS:
            return
        self._told_at = anyio.current_time()
        untold, self._untold = self._untold, {}
        for run_id, count in untold.items():
            found = self._registry.run(run_id)
            if found is not None:
                self._journal.tell("output_deleted", *found, bytes=count)


def _free_bytes(directory: str) -> int:
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize
