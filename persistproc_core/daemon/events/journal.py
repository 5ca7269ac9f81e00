"""What happened to processes, in order: the life-cycle events that watch_processes tells.

Every event gets the next number. It is shown to subscribers once it is in the file: a daemon that is killed between
the two would otherwise give the same number to another event in its next life. (On a full disk it is shown all the
same, and written when there is room again.)
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, cast

import anyio
import anyio.to_thread

from ...framing import encode
from ...protocol import ClientInfo, EventType, State
from ..clock import now
from ..home.guard import HomeGuard
from ..log import Log
from ..logs.segments import Offsets
from ..model import Cause, Process, Run
from ..projects import project_name
from . import journal_file
from .after_another import numbered_anew
from .journal_file import Entry

__all__ = ["ENDED_KINDS", "LIFE", "Entry", "Found", "Journal"]

_MOST_ENTRIES = 2500
_KEPT_ENTRIES = 2000
_KEPT_BYTES = 512 * 1024
_KEPT_DELETIONS = 1000

ENDED_KINDS = frozenset({"stopped", "exited", "failed", "lost"})
LIFE = ENDED_KINDS | {"started", "ready", "unhealthy", "restarted", "stopping", "removed", "given_up"}
"""The types that followers of the output are told."""

# Each happens to a run once at most; the next daemon may find it out a second time.
_ONCE = LIFE | {"output_seen"}
_STATES: dict[str, State] = {"started": "running", "ready": "running", "restarted": "running", "stopping": "stopping"}


class Found(NamedTuple):
    """Events after a place."""

    entries: list[Entry]
    missed: bool
    """True when there were events after the place that are no longer kept."""


class Journal:
    """Numbers and keeps events."""

    def __init__(self, path: str, log: Log, home: HomeGuard | None = None) -> None:
        """``home``: asked before anything is written."""
        self._path = path
        self._log = log
        self._home = home or HomeGuard(None)
        self._entries: list[Entry] = []
        self._pending: list[Entry] = []
        self._last = 0
        self._size = 0
        self._whole = True
        """False when the file lacks something or has too much, so that it has to be written anew."""
        self._gone = False
        """True when the file is to be written anew at once, though nothing is told."""
        self._told: dict[str, set[str]] = {}
        self._deleted: dict[str, Offsets] = {}
        self._interest: list[frozenset[str] | None] = []
        self._work = anyio.Event()
        self._paused = False
        self.changed = anyio.Event()
        """Set, and replaced by a new one, when there are new events or somebody begins or ends to watch."""
        self.on_news: Callable[[list[Entry]], None] = lambda entries: None

    # --- writing ------------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Read what former daemons told."""
        self._entries, self._whole = await anyio.to_thread.run_sync(journal_file.load, self._path)
        for entry in self._entries:
            self._told.setdefault(entry.run_id, set()).add(entry.kind)
        self._last = self.sequence
        self._trim()

    async def run(self) -> None:
        """Write what is told, for ever."""
        while True:
            await self._work.wait()
            self._work = anyio.Event()
            while (self._pending or self._gone) and not self._paused:
                batch, self._gone = list(self._pending), False
                await anyio.to_thread.run_sync(self._write, batch)
                del self._pending[: len(batch)]
                if batch:
                    self._show(batch)

    def restore(self) -> None:
        """Somebody deleted the file: write anew all that is kept."""
        self._whole, self._gone = False, True
        self._work.set()

    async def settled(self) -> None:
        """Wait until what was told up to now is shown."""
        last = self._last
        while self.sequence < last:
            await self.changed.wait()

    async def pause(self) -> None:
        """Write and show what was told; from then on nothing is written: the file is another daemon's."""
        while self._pending:
            await self.settled()
        self._paused = True

    async def resume(self) -> None:
        """The file is ours again. What the other daemon wrote meanwhile is shown, and what we were told comes after."""
        written, whole = await anyio.to_thread.run_sync(journal_file.load, self._path)
        self._whole = self._whole and whole  # what a full disk kept from it is in no file yet
        news = [entry for entry in written if entry.sequence > self.sequence]
        for entry in news:
            self._told.setdefault(entry.run_id, set()).add(entry.kind)
        self._last = max(self.sequence, news[-1].sequence if news else 0)
        self._pending = numbered_anew(self._pending, news, _ONCE, self._last)
        self._last += len(self._pending)
        self._paused = False
        if news:
            self._show(news)
        self._work.set()

    def close(self) -> None:
        """Write what is left. Blocks, but only for the few events of the last moment."""
        batch, self._pending = self._pending, []
        if batch and not self._paused:
            self._write(batch)

    def _write(self, batch: list[Entry]) -> None:
        try:
            self._home.check()
            if self._whole and self._size <= journal_file.MAX_FILE_BYTES:
                self._size = journal_file.append(self._path, batch)
            else:
                self._size = journal_file.replace(self._path, [*self._entries, *batch])
                self._whole = True
        except OSError as error:
            if self._whole:
                self._log.warning("journal.unwritten", error=error.strerror)
            self._whole = False

    def _show(self, batch: list[Entry]) -> None:
        self._entries += batch
        self._trim()
        self.on_news(batch)
        self.ring()

    def _trim(self) -> None:
        size = sum(len(entry.line) for entry in self._entries) if len(self._entries) > _KEPT_ENTRIES // 4 else 0
        if len(self._entries) <= _MOST_ENTRIES and size <= 2 * _KEPT_BYTES:
            return
        keep = 0
        size = 0
        while keep < min(len(self._entries), _KEPT_ENTRIES) and size <= _KEPT_BYTES:
            keep += 1
            size += len(self._entries[-keep].line)
        del self._entries[: len(self._entries) - keep]

    def ring(self) -> None:
        """Wake those who wait for `changed`."""
        self.changed.set()
        self.changed = anyio.Event()

    def tell(
        self,
        kind: EventType,
        process: Process,
        run: Run,
        *,
        cause: Cause | None = None,
        time: str | None = None,
        **facts: object,
    ) -> None:
        """Something happened, now or at ``time`` (RFC 3339), because somebody asked for it or by itself. Never blocks.

        ``facts`` are the optional fields of `Event`; None is left out. What can happen to a run only once is told only
        once, whoever finds it out again.
        """
        told = self._told.get(run.run_id, set())
        if kind in _ONCE:
            if kind in told or (kind in ENDED_KINDS and told & ENDED_KINDS):
                return
            if kind != "removed":  # nothing can follow it: an entry would stay for ever
                self._told.setdefault(run.run_id, told).add(kind)
        facts = {**_asked(cause), **facts}
        self._last += 1
        self._pending.append(_entry(self._last, kind, process, run, time or now(), facts))
        self._work.set()

    # --- the events of a run's life -----------------------------------------------------------------------------------

    def began(self, process: Process, run: Run, *, reason: str | None = None, time: str | None = None) -> None:
        """The run's command was executed, now or at ``time``."""
        facts = {"by": run.started_by, "reason": reason}
        self.tell("started", process, run, time=time, cause=None, **facts)
        if run.replaced_run is not None:
            self.tell("restarted", process, run, time=time, cause=None, previous_run=run.replaced_run, **facts)

    def ended(self, process: Process, run: Run) -> None:
        """The run's leader has ended, and its state says how."""
        kind: EventType = run.state  # type: ignore[assignment]
        self.tell(kind, process, run, time=run.ended_at, cause=_cause_of_end(run), **_end(run))

    def ended_entry(self, process: Process, run: Run) -> Entry:
        """The event that a run has ended, made up for one that is no longer kept."""
        facts = {**_asked(_cause_of_end(run)), **_end(run)}
        return _entry(max(self.oldest - 1, 0), run.state, process, run, run.ended_at or now(), facts)

    def found_running(self, process: Process, run: Run) -> None:
        """The command of a run that a former daemon started was executed; perhaps that one did not come to tell."""
        if not self.keeps(run.started_at):
            # Told long ago, and dropped since for newer events.
            self._told.setdefault(run.run_id, set()).update(("started", "restarted"))
        # Of an ended run the reason is that of its end.
        self.began(process, run, reason=run.reason if run.live else None, time=run.started_at)

    def found_ended(self, process: Process, run: Run) -> None:
        """The record of a run says that it has ended; perhaps a former daemon did not come to tell."""
        if "started" in self._told.get(run.run_id, ()):
            self.ended(process, run)

    def deleted(self, run_id: str, end: Offsets) -> None:
        """The folder of a run is gone, with its output: a follower that has not read it misses it."""
        self._told.pop(run_id, None)
        self._deleted[run_id] = end
        while len(self._deleted) > _KEPT_DELETIONS:
            del self._deleted[next(iter(self._deleted))]

    def end_of_deleted(self, run_id: str) -> Offsets | None:
        """How far the output went of a run whose folder is gone; None when that is not known (any more)."""
        return self._deleted.get(run_id)

    def give_deleted(self) -> object:
        """What `end_of_deleted` knows, for the daemon that takes the place of this one."""
        return {run_id: list(end) for run_id, end in self._deleted.items()}

    def take_deleted(self, given: object) -> None:
        """What the former daemon gave. Raises `TypeError`, `AttributeError` or `ValueError` for anything else."""
        self._deleted = {run_id: Offsets(*map(int, end)) for run_id, end in cast("dict[str, list[int]]", given).items()}

    # --- reading ------------------------------------------------------------------------------------------------------

    @property
    def told(self) -> int:
        """The number of the newest event that was told, be it shown or not."""
        return self._last

    @property
    def sequence(self) -> int:
        """The number of the newest event that is shown; 0 before the first."""
        return self._entries[-1].sequence if self._entries else 0

    @property
    def oldest(self) -> int:
        """The number of the oldest event that is kept; one more than `sequence` when there is none."""
        return self._entries[0].sequence if self._entries else self.sequence + 1

    def is_about_to_tell(self, run: Run) -> bool:
        """Whether there is an event of the run that is not shown yet."""
        return any(entry.run_id == run.run_id for entry in self._pending)

    def keeps(self, time: str) -> bool:
        """Whether the events since that time (RFC 3339) are kept."""
        return not self._entries or self._entries[0].time <= time

    def after(self, sequence: int) -> Found:
        """The events after that number. One that is above all there were is from another journal: all are given."""
        if sequence > self.sequence:
            return Found(list(self._entries), True)
        first = bisect_right(self._entries, sequence, key=lambda entry: entry.sequence)
        return Found(self._entries[first:], sequence + 1 < self.oldest)

    def next(self, after: int, process: Process, kinds: frozenset[str]) -> tuple[Entry | None, int]:
        """The process's next event of these types after that number, and up to which number was looked."""
        if after == self.sequence:
            return None, after
        for entry in self.after(after).entries:
            if entry.kind in kinds and entry.is_of(process.project_directory, process.name):
                return entry, entry.sequence
        return None, self.sequence

    # --- interest -----------------------------------------------------------------------------------------------------

    def watches(self, *kinds: EventType) -> bool:
        """Whether somebody watches one of these types now: some are found out only then."""
        return any(interest is None or not interest.isdisjoint(kinds) for interest in self._interest)

    @contextmanager
    def watching(self, kinds: frozenset[str] | None) -> Iterator[None]:
        """Somebody watches these types, None is all of them, as long as the block lasts."""
        self._interest.append(kinds)
        self.ring()
        try:
            yield
        finally:
            self._interest.remove(kinds)
            self.ring()


def _asked(cause: Cause | None) -> dict[str, object]:
    return {} if cause is None else {"by": cause.by, "reason": cause.sentence()}


def _cause_of_end(run: Run) -> Cause | None:
    return run.stop if run.state == "stopped" else None


def _end(run: Run) -> dict[str, object]:
    return {"reason": run.reason, "exit_code": run.exit_code, "signal": run.signal}


def _state(kind: str, run: Run) -> State:
    if kind in ENDED_KINDS and run.next_restart is not None:
        return "restarting"  # who follows it goes on to the next run
    return _STATES.get(kind, run.state)


def _entry(sequence: int, kind: str, process: Process, run: Run, time: str, facts: dict[str, object]) -> Entry:
    event: dict[str, object] = {
        "sequence": sequence,
        "time": time,
        "type": kind,
        "name": process.name,
        "project": project_name(process.project_directory),
        "project_directory": process.project_directory,
        "run": run.number,
        "run_id": run.run_id,
        "state": _state(kind, run),
        "pid": run.pid,
        **{name: value for name, value in facts.items() if value is not None},
    }
    line = encode(event)[:-1]
    by = cast("ClientInfo | None", facts.get("by"))
    return Entry(sequence, time, kind, process.project_directory, process.name, run.number, run.run_id, line, by)
