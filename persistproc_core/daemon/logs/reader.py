"""What a run printed, both streams in the order of the marks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import groupby
from math import inf
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from .characters import half_character, missing_of_character
from .marks import BATCH, Marks
from .merging import ALL_LINES
from .segments import STREAMS, Extent, Offsets, Piece, Segment, StreamBytes, list_segments
from .selection import Span, streams_of
from .snapshot import Snapshot
from .tail import find_tail

if TYPE_CHECKING:
    from ...protocol import Stream, View

__all__ = ["Chunk", "RunLog", "read_pieces"]


class Chunk(NamedTuple):
    """What one read returned."""

    pieces: list[Piece]
    """In order; neighbours are of different streams."""
    end: Offsets
    """Where the next read goes on. A stream that was not asked for stays where it was."""
    missed_bytes: int
    """Bytes on the way that are no longer there: deleted by retention, or never written because the disk was full."""
    more: bool
    """True when there was more after `end` already."""


class RunLog:
    """The output of one run. It keeps nothing open; every call looks anew."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def look(self) -> Snapshot:
        """What there is now, for several questions to one state. Use it in a ``with`` block."""
        return Snapshot(self.directory)

    def segments(self, stream: Stream) -> list[Segment]:
        """The files of a stream, oldest first."""
        return list_segments(self.directory, stream)

    def sizes(self) -> Offsets:
        """Where both streams end now."""
        with self.look() as log:
            return log.end

    def read(
        self,
        start: Offsets,
        stream: View = "combined",
        max_bytes: int = 32768,
        stop: Offsets | None = None,
        *,
        hold_back: bool = False,
    ) -> Chunk:
        """What comes after ``start``, at most ``max_bytes`` of both streams together, not beyond ``stop``.

        A character is not cut in two where it can be avoided. ``hold_back=True``, for a run that goes on, also leaves
        half a character at the very end for the next read; otherwise whatever is there is returned in the end.
        """
        with self.look() as log:
            return read_pieces(log, start, streams_of(stream), max_bytes, stop, hold_back=hold_back)

    def tail(self, lines: int, stream: View = "combined", max_bytes: int = 32768) -> Offsets:
        """Where the last lines begin, at most ``max_bytes`` before the end. Only the end of the log is read.

        A stream that is not asked for is placed where it ends.
        """
        with self.look() as log:
            span = Span(log.oldest, log.end, streams_of(stream))
            return find_tail(log, span, ALL_LINES, lines, max_bytes)


def read_pieces(
    log: Snapshot,
    start: Offsets,
    streams: tuple[Stream, ...] = STREAMS,
    max_bytes: int = 32768,
    stop: Offsets | None = None,
    *,
    hold_back: bool = False,
    whole_characters: bool = True,
) -> Chunk:
    """What `RunLog.read` gives, out of one look. ``whole_characters=False``: all up to ``stop``, whatever it cuts."""
    end = log.end
    if stop is not None:
        end = end.earlier(stop)
    limit = max(1, max_bytes)
    reading = _Reading(
        {each: _Source(log.streams[each], start.of(each), end.of(each), limit) for each in streams}, limit
    )
    if len(streams) > 1:
        reading.take_by(log.marks)
    reading.take_rest()
    if whole_characters:
        reading.leave_half_characters(hold_back=hold_back)
    return reading.chunk(start)


class _Source:
    """One stream during one read: what was read of it, and how far it has been handed out."""

    def __init__(self, source: StreamBytes, start: int, end: int, limit: int) -> None:
        # A start beyond the end (bytes lost in a power cut) goes on at the end.
        self.at = min(start, end)
        self.end = end
        self.missed = 0
        self.last = b""
        """What was taken last, when no hole came after it."""
        self._extents = deque(source.forward(self.at, end, limit))
        got = sum(len(extent.data) for extent in self._extents)
        self.covered = end if got < limit else self._extents[-1].end
        """How far this read can get: where nothing but a hole is left, to the end."""

    def take(self, stop: int, limit: int) -> bytes:
        """The bytes up to ``stop``, or a little further to the end of a character; at most ``limit``.

        Holes are passed and counted.
        """
        parts = []
        stop = min(stop, self.covered)
        while self.at < stop:
            while self._extents and self._extents[0].end <= self.at:
                self._extents.popleft()
            if not self._extents or self._extents[0].start >= stop:
                self._miss(stop)
                break
            self._miss(self._extents[0].start)
            data = self._next(self._extents[0], stop, limit)
            if not data:
                break
            parts.append(data)
            limit -= len(data)
            self.at += len(data)
            self.last = data
        return b"".join(parts)

    def _next(self, extent: Extent, stop: int, limit: int) -> bytes:
        begin = self.at - extent.start
        data = extent.data[begin : begin + min(stop - self.at, limit)]
        rest = missing_of_character(data)
        if rest and len(data) + rest <= limit:
            more = extent.data[begin + len(data) : begin + len(data) + rest]
            data += more if missing_of_character(data + more) == 0 else b""
        return data

    def _miss(self, until: int) -> None:
        if until > self.at:
            self.missed += until - self.at
            self.at = until
            self.last = b""


class _Reading:
    """Both streams (or one) put together, within one limit of bytes."""

    def __init__(self, sources: dict[Stream, _Source], limit: int) -> None:
        self._sources = sources
        self._left = limit
        self._parts: list[tuple[Stream, bytes]] = []
        self._held: dict[Stream, int] = {}

    def take_by(self, marks: Marks) -> None:
        """Take both streams, mark by mark."""
        while self._left > 0:
            before = self._position()
            index = marks.first_beyond(*(inf if s.at >= s.covered else s.at for s in self._sources.values()))
            for mark in marks.read(index, BATCH):
                self._take(mark.offsets)
                if self._left <= 0:
                    break
            if self._position() == before:
                return  # no mark is left, or none that can be right

    def take_rest(self) -> None:
        """Take what no mark tells of."""
        self._take(Offsets(*(max(s.covered for s in self._sources.values()),) * 2))

    def _take(self, until: Offsets) -> None:
        for stream, source in self._sources.items():
            data = source.take(until.of(stream), self._left)
            if data:
                self._left -= len(data)
                self._parts.append((stream, data))

    def _position(self) -> list[int]:
        return [source.at for source in self._sources.values()]

    def leave_half_characters(self, *, hold_back: bool) -> None:
        """Leave what may become a character for the next read, unless then nothing at all would be returned."""
        held = {stream: half_character(source.last) for stream, source in self._sources.items()}
        at_end = all(source.at >= source.end for source in self._sources.values())
        if sum(held.values()) == sum(len(data) for _, data in self._parts) and not (hold_back and at_end):
            return
        for stream, count in held.items():
            if count:
                self._cut(stream, count)
                self._sources[stream].at -= count
        if hold_back:
            self._held = held

    def _cut(self, stream: Stream, count: int) -> None:
        last = max(index for index, part in enumerate(self._parts) if part[0] == stream)
        self._parts[last] = (stream, self._parts[last][1][:-count])

    def chunk(self, start: Offsets) -> Chunk:
        """The result of a read that began at ``start``."""
        end = start._replace(**{stream: source.at for stream, source in self._sources.items()})
        missed = sum(source.missed for source in self._sources.values())
        more = any(source.at + self._held.get(stream, 0) < source.end for stream, source in self._sources.items())
        return Chunk(list(_merged(self._parts)), end, missed, more)


def _merged(parts: list[tuple[Stream, bytes]]) -> Iterator[Piece]:
    for stream, group in groupby((part for part in parts if part[1]), key=itemgetter(0)):
        yield Piece(stream, b"".join(data for _, data in group))
