"""One process as one subscription follows it: its output and its events in one order, over all its runs."""

from __future__ import annotations

import anyio
import anyio.to_thread

from ..events.journal import ENDED_KINDS, LIFE, Entry, Journal
from ..logs.reader import RunLog
from ..logs.segments import Offsets
from ..model import Process, Run
from .beginnings import Beginning
from .feed import Feed, Feeds, Piece, View, gap
from .notifications import Notifications

__all__ = ["Track"]

_START = Offsets(0, 0)


class Track:
    """Tells what a process prints, and what happens to it.

    The order: all that a run printed, then the event that it ended, then ``started`` of the next run, then what that
    one prints. Other events come as soon as they are known.
    """

    def __init__(self, process: Process, beginning: Beginning, view: View, *, feeds: Feeds, journal: Journal) -> None:
        self.process = process
        self.run, self.place, self.after, self._ended = beginning
        self._number = self.run.number
        """The run that we are in; one that was deleted before we came to it is not `run`."""
        self._view = view
        self._feeds = feeds
        self._feed: Feed
        self._journal = journal
        self._stop: Offsets | None = None
        """How far the log is read before the next event is told."""
        self._not_before = 0.0
        self._seen = self.place
        """How far the log went when it was read last."""
        self._removed = False
        self.quitting = False
        self.done = anyio.Event()
        """Set by who follows it when it is told to its end."""

    def ring(self) -> None:
        """There is news: look again."""
        self.run.grew()

    async def follow(self, turn: anyio.Lock, out: Notifications) -> None:
        """Tell all until the process is removed. ``turn`` is held from each read until what was read is sent."""
        self._feed = self._feeds.enter(self.process, self.run)
        try:
            while not self._removed:
                await self._rest()
                # Taken before looking: what comes between the look and the wait has set it by then.
                growth, quitting = self.run.growth, self.quitting
                async with turn:
                    seen = await self._step(out)
                if seen is not None:
                    if quitting:
                        return
                    await self._feed.wait(growth, seen)
        finally:
            self._feeds.leave(self._feed)

    async def _rest(self) -> None:
        left = self._not_before - anyio.current_time()
        if left > 0 and self.run.live:
            await anyio.sleep(left)

    async def _step(self, out: Notifications) -> Offsets | None:
        """Tell one thing. When there is nothing: how far the log was then."""
        entry, looked = self._journal.next(self.after, self.process, LIFE)
        if self._ended is not None:
            entry = self._ended
        if entry is None:
            self.after = looked
        elif not self._is_after_output(entry):
            self.after = entry.sequence
            if entry.run == self._number:
                await out.events([entry])
            return None
        unannounced = self._unannounced(entry)
        leaving = entry is not None or unannounced is not None
        if leaving and self._stop is None:
            self._stop = await anyio.to_thread.run_sync(RunLog(self.run.directory).sizes)
        before = self.place
        piece = await self._output(out)
        if not leaving:
            return None if piece.more else piece.seen
        assert self._stop is not None
        if self.place != before and self._view.between(self.place, self._stop):
            return None
        self._stop = None
        if unannounced is not None:
            self._switch(unannounced)
        elif entry is not None:
            await self._pass(entry, out)
        return None

    def _is_after_output(self, entry: Entry) -> bool:
        """Whether it is told after all that the run has printed so far."""
        return (
            entry.run > self._number
            or entry.kind == "removed"
            or (entry.run == self._number and entry.kind in ENDED_KINDS)
        )

    def _unannounced(self, entry: Entry | None) -> Run | None:
        """The next run, when its beginning is not among the events that are kept."""
        following = next((run for run in self.process.runs if run.number > self._number), None)
        if following is None:
            return None
        told_later = following.number >= entry.run if entry is not None else self._journal.keeps(following.started_at)
        return None if told_later else following

    async def _output(self, out: Notifications) -> Piece:
        deleted = self._journal.end_of_deleted(self.run.run_id)
        if deleted is not None:
            await self._tell_gap(out, self.run.number, self.place, deleted)
            self.place = deleted
            return Piece(b"", deleted, more=False, seen=deleted, seconds=0.0)
        began = anyio.current_time()
        piece = await self._feed.read(self._view, self.place)
        # Never back: a folder that is being deleted looks as if nothing had been written.
        self.place = self.place.later(piece.end)
        if piece.body or piece.seen != self._seen:
            # Also when it grew by what is not shown: the other stream would wake us as often as it is written to.
            self._not_before = began + self._feed.pause(piece)
        self._seen = piece.seen
        if piece.body:
            await out.output(piece.body)
        return piece

    async def _tell_gap(self, out: Notifications, number: int, start: Offsets, end: Offsets) -> None:
        missed = self._view.between(start, end)
        if missed:
            await out.output(gap(self.process, number, end, missed))

    async def _pass(self, entry: Entry, out: Notifications) -> None:
        """Tell of an event that comes after all output so far, and go on with the run that it begins."""
        if entry.run > self._number:
            following = next((run for run in self.process.runs if run.number == entry.run), None)
            if following is not None:
                self._switch(following)
            self._number = entry.run
        await out.events([entry])
        if entry is self._ended:
            self._ended = None
            return
        self.after = entry.sequence
        self._removed = entry.kind == "removed"
        deleted = self._journal.end_of_deleted(entry.run_id)
        if deleted is not None and entry.run_id != self.run.run_id and entry.kind == "started":
            await self._tell_gap(out, entry.run, _START, deleted)

    def _switch(self, run: Run) -> None:
        self._feeds.leave(self._feed)
        self.run = run
        self._number = run.number
        self.place = self._seen = _START
        self._not_before = 0.0
        self._feed = self._feeds.enter(self.process, run)
