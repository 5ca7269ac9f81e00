"""Finds where the last lines of a run begin, backwards from the end: a log of gigabytes costs its last pages only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from .characters import skip_continuation
from .marks import BATCH, Marks
from .segments import STREAMS, Extent, Offsets, StreamBytes

if TYPE_CHECKING:
    from ...protocol import Stream

__all__ = ["find_tail"]

_CHUNK = 64 * 1024


def find_tail(
    sources: Mapping[Stream, StreamBytes],
    marks: Marks,
    end: Offsets,
    wanted: tuple[Stream, ...],
    lines: int,
    max_bytes: int,
) -> Offsets:
    """Where the last ``lines`` lines of the wanted streams begin, at most ``max_bytes`` before the end.

    A line that began earlier than that is left out, unless it is all there is, or it has no ending yet.
    """
    if lines <= 0 or max_bytes <= 0:
        return end
    search = _Search({stream: _Backwards(sources[stream], getattr(end, stream)) for stream in wanted}, lines, max_bytes)
    if len(wanted) > 1:
        search.go_by(marks)
    search.go_to(Offsets(0, 0))
    return end._replace(**search.starts())


class _Backwards:
    """One stream, from its end on backwards."""

    def __init__(self, source: StreamBytes, end: int) -> None:
        self._source = source
        self._cached = Extent(0, b"")
        self.end = end
        self.at = end
        self.line: int | None = None
        """The earliest beginning of a line that was seen."""

    def bytes_before(self, low: int) -> Iterator[Extent]:
        """From `at` back to ``low``; `at` follows. A hole is passed."""
        while self.at > low:
            cached = self._cached
            if not cached.start < self.at <= cached.end:
                read = next(self._source.backward(0, self.at, _CHUNK), None)
                cached = self._cached = read or Extent(0, b"")
                self.at = max(low, min(self.at, cached.end))
                if self.at <= low:
                    return
            begin = max(low, cached.start)
            data = cached.data[begin - cached.start : self.at - cached.start]
            self.at = begin
            yield Extent(begin, data)

    def start(self) -> int:
        """Where to begin so that the first line is whole; the end when no line begins after `at`."""
        at = max(self.at, self._source.oldest)
        before = next(self._source.backward(at - 1, at, 1), None) if at > 0 else None
        if before is None or before.data == b"\n":
            return min(at, self.end)
        if self.line is not None:
            return self.line
        last = next(self._source.backward(self.end - 1, self.end, 1), None)
        return self.end if last is not None and last.data == b"\n" else self.first_character()

    def first_character(self) -> int:
        """The first whole character after `at`."""
        at = min(max(self.at, self._source.oldest), self.end)
        following = self._source.forward(at, self.end, 3)
        return at + (skip_continuation(following[0].data) if following and following[0].start == at else 0)


class _Search:
    def __init__(self, streams: dict[Stream, _Backwards], lines: int, max_bytes: int) -> None:
        self._streams = streams
        self._lines = lines
        self._left = max_bytes

    def go_by(self, marks: Marks) -> None:
        """Go back mark by mark until enough lines are found or no mark is left."""
        index = marks.count
        while index > 0 and not self._done():
            first = max(0, index - BATCH)
            for mark in reversed(marks.read(first, index - first)):
                self.go_to(mark.offsets)
            index = first

    def go_to(self, low: Offsets) -> None:
        """Go back to a place: what came last inside one mark is stderr, as it is read after stdout."""
        for stream in reversed(STREAMS):
            if stream in self._streams and not self._done():
                self._go_back(self._streams[stream], getattr(low, stream))

    def _done(self) -> bool:
        return self._lines <= 0 or self._left <= 0

    def _go_back(self, stream: _Backwards, low: int) -> None:
        for extent in stream.bytes_before(low):
            skipped = max(0, len(extent.data) - self._left)
            self._left -= len(extent.data) - skipped
            found = self._count(stream, extent.start, extent.data, skipped)
            if found is not None:
                stream.at = found
            elif skipped:
                stream.at = extent.start + skipped
            if self._done():
                return

    def _count(self, stream: _Backwards, start: int, data: bytes, first: int) -> int | None:
        """Count the lines that begin in ``data``; where the last one that is wanted begins."""
        newline = data.rfind(b"\n", first)
        while newline >= 0:
            begin = start + newline + 1
            if begin < stream.end:
                stream.line = begin
                self._lines -= 1
                if self._lines == 0:
                    return begin
            newline = data.rfind(b"\n", first, newline)
        return None

    def starts(self) -> dict[str, int]:
        """Where each stream begins."""
        starts = {name: stream.start() for name, stream in self._streams.items()}
        if all(starts[name] == stream.end for name, stream in self._streams.items()):
            # One line longer than the limit: its end is better than nothing.
            starts = {name: stream.first_character() for name, stream in self._streams.items()}
        return {str(name): offset for name, offset in starts.items()}
