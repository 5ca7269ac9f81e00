"""Lines around those that were found."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from .boundaries import line_begin
from .filters import TimeIsUp
from .segments import STREAMS, Offsets
from .selection import Line, OutOfTime, Source, Span

if TYPE_CHECKING:
    from ...protocol import Stream
    from .snapshot import Snapshot

__all__ = ["Context", "Found"]


class Found(Source, Protocol):
    """A source whose lines can be told one by one as well."""

    def is_wanted(self, log: Snapshot, line: Line) -> bool:
        """Whether a line is one that it finds."""


class Context:
    """What a search finds, and so many lines before and after each of them, every line once. It is a `Source`."""

    def __init__(self, search: Found, every: Source, before: int, after: int) -> None:
        self._search = search
        self._every = every
        self._before = before
        self._after = after

    def forward(self, log: Snapshot, span: Span) -> Iterator[Line]:
        """Oldest first. Raises as the search does."""
        place = span.low  # what lies before it was given, or is not wanted
        try:
            for hit in self._search.forward(log, span):
                if hit.end <= place.of(hit.stream):
                    continue  # it was near an earlier one
                before = place.later(_place_before(log, span, hit))
                near = self._every.backward(log, Span(place, before, span.streams))
                yield from reversed(_context(log, span, near, self._before))
                yield hit
                place = before.at(hit.stream, hit.end)
                left = self._after
                for line in self._every.forward(log, Span(place, span.high, span.streams)) if left else ():
                    if _is_open(log, span, line):
                        break
                    wanted = self._search.is_wanted(log, line)
                    place = place.at(line.stream, line.end)
                    left = self._after if wanted else left - 1
                    yield line._replace(context=not wanted)
                    if left == 0:
                        break
        except OutOfTime as out:
            raise OutOfTime(place.later(out.reached)) from None
        except TimeIsUp:
            # What lies before a line that was found has been searched.
            raise OutOfTime(place) from None

    def backward(self, log: Snapshot, span: Span) -> Iterator[Line]:
        """The same lines, newest first."""
        place = span.high
        try:
            for hit in self._search.backward(log, span):
                if hit.begin >= place.of(hit.stream):
                    continue
                before = place.earlier(_place_before(log, span, hit))
                near = self._every.forward(log, Span(before.at(hit.stream, hit.end), place, span.streams))
                yield from reversed(_context(log, span, near, self._after))
                yield hit
                place = before
                left = self._before
                for line in self._every.backward(log, Span(span.low, place, span.streams)) if left else ():
                    wanted = self._search.is_wanted(log, line)
                    place = place.at(line.stream, line.begin)
                    if not wanted and _is_open(log, span, line):
                        continue
                    left = self._before if wanted else left - 1
                    yield line._replace(context=not wanted)
                    if left == 0:
                        break
        except OutOfTime as out:
            raise OutOfTime(place.earlier(out.reached)) from None
        except TimeIsUp:
            raise OutOfTime(place) from None

    def count(self, log: Snapshot, span: Span) -> int | None:
        """How many lines the search finds, without those around them."""
        return self._search.count(log, span)


def _context(log: Snapshot, span: Span, lines: Iterator[Line], count: int) -> list[Line]:
    """The first of some lines. What may still become another line is none of them."""
    whole = (line for line in lines if not _is_open(log, span, line))
    return [line._replace(context=True) for line in islice(whole, count)]


def _is_open(log: Snapshot, span: Span, line: Line) -> bool:
    return line.end == span.high.of(line.stream) and log.streams[line.stream].read(line.end - 1, line.end) != b"\n"


def _place_before(log: Snapshot, span: Span, line: Line) -> Offsets:
    """The place before a line in the order of both streams."""
    place = span.low.at(line.stream, line.begin)
    for stream in span.streams:
        if stream != line.stream:
            place = place.at(stream, _other_before(log, span, line, stream))
    return place


def _other_before(log: Snapshot, span: Span, line: Line, other: Stream) -> int:
    low, high = span.low.of(other), span.high.of(other)
    is_open = _is_open(log, span, line)
    if is_open and other == STREAMS[0]:
        return high  # of two lines that have no newline yet, it comes first
    offset = high if is_open else min(max(_marked_before(log, line, other, high), low), high)
    source = log.streams[other]
    if offset <= low or source.read(offset - 1, offset) in (b"", b"\n"):
        return offset
    return line_begin(source, low, offset)


def _marked_before(log: Snapshot, line: Line, other: Stream, high: int) -> int:
    """How far the other stream was when the line ended. Inside one mark stdout comes first."""
    mark = log.order.mark(line.stream, line.end) - (line.stream == STREAMS[0])
    if mark < 0:
        return 0
    covering = log.marks.read(mark, 1)
    return covering[0].offsets.of(other) if covering else high
