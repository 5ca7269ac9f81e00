"""Where a subscription to output begins: after a cursor, with the last lines, or with a run that was started since."""

from __future__ import annotations

from typing import NamedTuple

import anyio
import anyio.to_thread

from ...errors import InvalidParams
from ..events.journal import ENDED_KINDS, Entry, Journal
from ..logs.cursors import decode_cursor
from ..logs.reader import RunLog
from ..logs.segments import Offsets
from ..model import Process, Run
from ..registry import full_name
from .feed import View

__all__ = ["Beginning", "find_beginning"]

_START = Offsets(0, 0)
_MOST_HISTORY = 16 * 1024 * 1024


class Beginning(NamedTuple):
    """A place in a run, and the sequence number after which events are told.

    Of a run that has ended that event is told in any case: else nobody would know that all of it was shown.
    """

    run: Run
    place: Offsets
    after: int
    ended: Entry | None = None
    """The event that the run has ended, where the journal does not keep it any more."""


async def find_beginning(
    process: Process, journal: Journal, view: View, *, cursor: str | None, after: int | None, lines: int
) -> Beginning:
    """Where to begin with a process. Raises `InvalidParams` for a cursor that is none of its."""
    if after is not None:
        # An earlier process of the same name, since removed, is none of ours.
        after = max(after, _last_removed(process, journal))
    if cursor is not None:
        return _at_cursor(process, journal, cursor, after)
    if after is not None:
        started = _started_since(process, journal, after)
        if started is not None:
            return started
    run = process.runs[-1]
    place = await anyio.to_thread.run_sync(RunLog(run.directory).tail, lines, view.stream, _MOST_HISTORY)
    return Beginning(run, place, *(_now(process, run, journal) if after is None else (after, None)))


def _now(process: Process, run: Run, journal: Journal) -> tuple[int, Entry | None]:
    """From now on; or with the end of the run when that has happened already."""
    if run.live:
        return journal.sequence, None
    for entry in reversed(journal.after(0).entries):
        if entry.run_id == run.run_id and entry.kind in ENDED_KINDS:
            return entry.sequence - 1, None
    if journal.is_about_to_tell(run) or not run.launched.is_set():
        return journal.sequence, None
    return journal.sequence, journal.ended_entry(process, run)


def _at_cursor(process: Process, journal: Journal, cursor: str, after: int | None) -> Beginning:
    current = process.runs[-1]
    if cursor == "start":
        return Beginning(current, _START, *(_now(process, current, journal) if after is None else (after, None)))
    number, place = decode_cursor(cursor)
    if number > current.number:
        raise InvalidParams(
            f"{cursor!r} is of run {number}, and the newest run of {full_name(process)} is {current.number}",
            hint="give the cursor of the same process",
        )
    # A run that is no longer kept: what there is of the ones after it.
    run = next(run for run in process.runs if run.number >= number)
    place = place if run.number == number else _START
    if after is not None:
        return Beginning(run, place, after)
    if run is current:
        return Beginning(run, place, *_now(process, run, journal))
    return Beginning(run, place, _start_of(run, journal))


def _last_removed(process: Process, journal: Journal) -> int:
    for entry in reversed(journal.after(0).entries):
        if entry.kind == "removed" and entry.is_of(process.project_directory, process.name):
            return entry.sequence
    return 0


def _start_of(run: Run, journal: Journal) -> int:
    """The number of the event that the run was started; what came after it is told again."""
    for entry in journal.after(0).entries:
        if entry.run_id == run.run_id and entry.kind == "started":
            return entry.sequence
    return 0


def _started_since(process: Process, journal: Journal, after: int) -> Beginning | None:
    kept = {run.run_id: run for run in process.runs}
    entry, _ = journal.next(after, process, frozenset({"started"}))
    while entry is not None:
        if entry.run_id in kept:
            return Beginning(kept[entry.run_id], _START, after)
        entry, _ = journal.next(entry.sequence, process, frozenset({"started"}))
    return None
