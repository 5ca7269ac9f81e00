"""The output of one run for those who follow it: read and encoded once for all who are at the same place."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import NamedTuple

import anyio
import anyio.to_thread

from ...framing import encode
from ...protocol import Format, Stream
from ...protocol import View as Streams
from ..keeper import Keeper
from ..logs.cursors import encode_cursor
from ..logs.output import Output, read_output
from ..logs.reader import RunLog
from ..logs.render import Style
from ..logs.segments import Offsets
from ..model import Process, Run
from ..projects import project_name
from .live_tail import LiveTail, Newest, can_go_on, open_newest

__all__ = ["Feed", "Feeds", "Piece", "View", "gap"]

_MOST_BYTES = 256 * 1024
_KEPT = 4

# While a run goes on, what is there is taken once in this time: a line each millisecond should not cost a message each.
_PACE_SECONDS = 0.008
# A run that writes more than this is not kept up with: reading would take the processor from the one who writes. It
# waits in the file, and what retention deletes meanwhile is told. Of the time a tenth is spent on reading then.
_FLOOD_BYTES_PER_SECOND = 24 * 1024 * 1024
_FLOOD_WINDOW_SECONDS = 0.05
_FLOOD_REST = 10


class View(NamedTuple):
    """What is shown of a run, and how."""

    stream: Streams = "combined"
    format: Format = "plain"
    timestamps: bool = False

    def between(self, start: Offsets, end: Offsets) -> int:
        """How many bytes of what is shown lie between two places."""
        stdout = 0 if self.stream == "stderr" else max(0, end.stdout - start.stdout)
        stderr = 0 if self.stream == "stdout" else max(0, end.stderr - start.stderr)
        return stdout + stderr


class Piece(NamedTuple):
    """What comes after a place."""

    body: bytes
    """The parameters of a process_output notification but for the subscription, without the opening brace; empty when
    there is nothing to tell."""
    end: Offsets
    more: bool
    """True when there was more after `end` already."""
    seen: Offsets
    """How far the log went, at least. Nothing can be shown before it is longer than this, when there was nothing."""
    seconds: float
    """How long it took to read."""


class _Reading:
    """One read under way, and those who wait for it."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.piece: Piece | None = None


_Key = tuple[View, Offsets, bool]


class Feed:
    """One run's output."""

    def __init__(self, process: Process, run: Run, keeper: Keeper) -> None:
        self._process = process
        self._keeper = keeper
        self._kept: OrderedDict[_Key, Piece] = OrderedDict()
        self._readings: dict[_Key, _Reading] = {}
        self._asked: tuple[anyio.Event, Offsets] | None = None
        self._looked = (0.0, 0)
        self._flooded = False
        self._tail = LiveTail(run.directory)
        self.run = run
        self.followers = 0

    async def read(self, view: View, place: Offsets) -> Piece:
        """What comes after the place, in a worker thread, unless somebody else has just read it."""
        # Before the log is read: what comes between the two would otherwise be lost with the end.
        key = (view, place, not self.run.live)
        while True:
            if key in self._kept:
                return self._kept[key]
            quick = self._quick(view, place)
            if quick is not None:
                return quick
            reading = self._readings.get(key)
            if reading is None:
                return await self._read(key)
            await reading.done.wait()
            if reading.piece is not None:
                return reading.piece

    def _quick(self, view: View, place: Offsets) -> Piece | None:
        """The piece, when it is what a program has just printed and nothing more need be known."""
        if view.timestamps or self.run.settings.tty or not self.run.live:
            return None
        found = self._tail.lines(view.stream, view.format, place)
        if found is None:
            return None
        lines, end = found
        body = _body(self._process, self.run.number, Output(lines, end, False, False, 0))
        piece = Piece(body, end, more=False, seen=end, seconds=0.0)
        self._keep((view, place, False), piece)
        return piece

    def _settle(self, view: View, piece: Piece, files: dict[Stream, Newest]) -> None:
        if not files:
            return
        if self.followers:
            self._tail.replace(files)
            self._tail.settle(view.stream, view.format, piece.end)
        else:
            for file in files.values():
                file.close()

    def _keep(self, key: _Key, piece: Piece) -> None:
        if piece.body and self.followers > 1:
            self._kept[key] = piece
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)

    async def _read(self, key: _Key) -> Piece:
        reading = self._readings[key] = _Reading()
        try:
            piece, files = await anyio.to_thread.run_sync(_piece, self._process, self.run, *key)
            reading.piece = piece
        finally:
            del self._readings[key]
            reading.done.set()
        self._settle(key[0], piece, files)
        self._look_at_speed(piece)
        self._keep(key, piece)
        return piece

    def _look_at_speed(self, piece: Piece) -> None:
        now, size = anyio.current_time(), sum(piece.seen)
        then, before = self._looked
        if not piece.more:
            self._flooded = False
        elif now - then < _FLOOD_WINDOW_SECONDS:
            return
        else:
            self._flooded = (size - before) / (now - then) > _FLOOD_BYTES_PER_SECOND
        self._looked = (now, size)

    def pause(self, piece: Piece) -> float:
        """How many seconds after it began to read this piece a follower should read again."""
        return max(_PACE_SECONDS, _FLOOD_REST * piece.seconds if self._flooded else 0.0) if self.run.live else 0.0

    async def wait(self, growth: anyio.Event, seen: Offsets) -> None:
        """Wait for ``growth``, which was the run's before the log was read up to ``seen``."""
        asked = self._asked
        covered = asked is not None and asked[0] is growth and asked[1].stdout <= seen.stdout
        if not self.run.gone.is_set() and not (covered and asked is not None and asked[1].stderr <= seen.stderr):
            # The keeper knows one place a run: one who is behind another one asks again, and both are woken.
            await self._keeper.watch(self.run, seen.stdout, seen.stderr)
            self._asked = (growth, seen)
        await growth.wait()

    def forget(self) -> None:
        """Nobody shares any more."""
        self._kept.clear()

    def close(self) -> None:
        """Nobody follows any more."""
        self._tail.close()


class Feeds:
    """The feeds of the runs that are followed."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._feeds: dict[str, Feed] = {}

    def enter(self, process: Process, run: Run) -> Feed:
        """The run's feed, for one more follower."""
        feed = self._feeds.get(run.run_id)
        if feed is None:
            feed = self._feeds[run.run_id] = Feed(process, run, self._keeper)
        feed.followers += 1
        return feed

    def leave(self, feed: Feed) -> None:
        """One follower less."""
        feed.followers -= 1
        if feed.followers < 2:
            feed.forget()
        if not feed.followers:
            feed.close()
            self._feeds.pop(feed.run.run_id, None)


def gap(process: Process, number: int, end: Offsets, missed: int) -> bytes:
    """The body of a notification that tells of bytes which are no longer there, up to ``end``."""
    return _body(process, number, Output([], end, False, False, missed))


def _piece(process: Process, run: Run, view: View, place: Offsets, ended: bool) -> tuple[Piece, dict[Stream, Newest]]:
    """The piece, and the newest files where the next one may be read from them alone."""
    began = time.monotonic()
    log = RunLog(run.directory)
    found = _look(log, view, place, ended)
    seen = log.sizes() if found.more else found.end
    if _is_empty(found) and not found.more:
        # Half a control sequence is there, but nothing to show yet. The size is asked before the log is read once more:
        # whatever comes later is growth beyond it.
        seen = log.sizes()
        if seen != place:
            found = _look(log, view, place, ended)
    body = b"" if _is_empty(found) else _body(process, run.number, found)
    files = open_newest(log) if not ended and not found.more and can_go_on(view.format, found.lines) else {}
    return Piece(body, found.end, found.more, seen, time.monotonic() - began), files


def _look(log: RunLog, view: View, place: Offsets, ended: bool) -> Output:
    return read_output(log, place, view.stream, _MOST_BYTES, Style(view.format, view.timestamps), ended=ended)


def _is_empty(found: Output) -> bool:
    return not found.lines and not found.missed_bytes


def _body(process: Process, number: int, found: Output) -> bytes:
    body = encode(
        {
            "name": process.name,
            "project": project_name(process.project_directory),
            "project_directory": process.project_directory,
            "run": number,
            "lines": found.lines,
            "cursor": encode_cursor(number, found.end),
            "lossy": found.lossy,
            "missed_bytes": found.missed_bytes,
        }
    )
    return body[1:-2]
