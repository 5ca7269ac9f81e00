"""All lines of a span, both streams in one order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from .boundaries import Bounds, lines_backward, lines_forward
from .segments import StreamBytes
from .selection import Line, Span

if TYPE_CHECKING:
    from ...protocol import Stream
    from .snapshot import Snapshot

__all__ = ["ALL_LINES", "AllLines"]

_MOST_COUNTED = 8 * 1024 * 1024
_CHUNK = 256 * 1024

_Finder = Callable[[StreamBytes, int, int], Iterator[Bounds]]


class AllLines:
    """The source that keeps every line."""

    def forward(self, log: Snapshot, span: Span) -> Iterator[Line]:
        """Oldest first, by the marks; lines without an ending last, for what comes next continues them."""
        return _merged(log, span, lines_forward, newest_first=False)

    def backward(self, log: Snapshot, span: Span) -> Iterator[Line]:
        """Newest first."""
        return _merged(log, span, lines_backward, newest_first=True)

    def count(self, log: Snapshot, span: Span) -> int | None:
        """How many lines; None above 8 MiB."""
        if sum(span.high.of(stream) - span.low.of(stream) for stream in span.streams) > _MOST_COUNTED:
            return None
        return sum(_count(log.streams[stream], span.low.of(stream), span.high.of(stream)) for stream in span.streams)


ALL_LINES = AllLines()


def _count(source: StreamBytes, low: int, high: int) -> int:
    count = 0
    last = b"\n"
    for extent in source.extents(low, high, _CHUNK):
        count += extent.data.count(b"\n")
        last = extent.data[-1:]
    return count + (last != b"\n")


def _merged(log: Snapshot, span: Span, find: _Finder, *, newest_first: bool) -> Iterator[Line]:
    streams = [stream for stream in span.streams if span.low.of(stream) < span.high.of(stream)]
    sides = [_Side(log, stream, find(log.streams[stream], *_limits(span, stream))) for stream in streams]
    sides = [side for side in sides if side.advance()]
    while len(sides) > 1:
        stdout, stderr = sides
        # Inside one mark stdout comes first, so from behind it comes last.
        chosen = stderr if (stderr.mark >= stdout.mark if newest_first else stderr.mark < stdout.mark) else stdout
        yield chosen.line
        if not chosen.advance():
            sides.remove(chosen)
    for side in sides:
        yield side.line
        yield from side.rest()


def _limits(span: Span, stream: Stream) -> tuple[int, int]:
    return span.low.of(stream), span.high.of(stream)


class _Side:
    """One of the two streams, with its next line."""

    def __init__(self, log: Snapshot, stream: Stream, lines: Iterator[Bounds]) -> None:
        self._order = log.order
        self._stream: Stream = stream
        self._lines = lines
        self.line = Line(stream, 0, 0)
        self.mark = 0

    def advance(self) -> bool:
        """Go to the next line; False when there is none."""
        bounds = next(self._lines, None)
        if bounds is None:
            return False
        self.line = Line(self._stream, bounds.begin, bounds.end)
        self.mark = self._order.count + 1 if bounds.is_open else self._order.mark(self._stream, bounds.end)
        return True

    def rest(self) -> Iterator[Line]:
        """The lines after it, when nothing is left to compare them with."""
        stream = self._stream
        return (Line(stream, bounds.begin, bounds.end) for bounds in self._lines)
