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

    Lines are in the order of their endings, as `text.plain_lines` has them; each begins at its first byte, which may
    lie before lines of the other stream. A line that began too early is left out, unless it is all there is, or it has
    no ending yet.
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

    @property
    def kept(self) -> int:
        """`at`, but not before the first byte that is kept."""
        return min(max(self.at, self._source.oldest), self.end)

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

    def byte_before(self, offset: int) -> bytes:
        """The byte before an offset; a line's ending where nothing is kept."""
        byte = next(self._source.backward(offset - 1, offset, 1), None) if offset > self._source.oldest else None
        return byte.data if byte is not None else b"\n"

    def next_line(self) -> int:
        """The beginning of the first line that begins after `at`; `first_character` when the line there is open."""
        at = self.at
        while extents := self._source.forward(at, self.end, _CHUNK):
            newline = extents[0].data.find(b"\n")
            if newline >= 0:
                return extents[0].start + newline + 1
            at = extents[0].end
        return self.first_character()

    def first_character(self) -> int:
        """The first whole character after `at`."""
        at = self.kept
        following = self._source.forward(at, self.end, 3)
        return at + (skip_continuation(following[0].data) if following and following[0].start == at else 0)


class _Search:
    def __init__(self, streams: dict[Stream, _Backwards], lines: int, max_bytes: int) -> None:
        self._streams = streams
        self._lines = lines
        self._left = max_bytes
        self._done = False

    def go_by(self, marks: Marks) -> None:
        """Go back mark by mark until enough lines are found or no mark is left."""
        index = marks.count
        while index > 0 and not self._done:
            first = max(0, index - BATCH)
            for mark in reversed(marks.read(first, index - first)):
                self.go_to(mark.offsets)
            index = first

    def go_to(self, low: Offsets) -> None:
        """Go back to a place: what came last inside one mark is stderr, as it is read after stdout."""
        for stream in reversed(STREAMS):
            if stream in self._streams and not self._done:
                self._go_back(self._streams[stream], getattr(low, stream))

    def _go_back(self, stream: _Backwards, low: int) -> None:
        if stream.at == stream.end > low and stream.byte_before(stream.end) != b"\n":
            # The line at the end is open: it is counted when its stream is first met.
            if self._lines == 0:
                self._done = True
                return
            self._lines -= 1
        for extent in stream.bytes_before(low):
            self._count(stream, extent)
            if self._done:
                return

    def _count(self, stream: _Backwards, extent: Extent) -> None:
        """Count the endings of lines, down to the one before the first line that is wanted, or as far as allowed."""
        first = max(0, len(extent.data) - self._left)
        stop = len(extent.data)
        while (newline := extent.data.rfind(b"\n", first, stop)) >= 0:
            if self._lines == 0:
                first, self._done = newline + 1, True
                break
            self._lines -= 1
            stop = newline
        stream.at = extent.start + first
        self._left -= len(extent.data) - first
        self._done = self._done or self._left <= 0

    def starts(self) -> dict[str, int]:
        """Where each stream begins."""
        starts = {name: self._start(stream) for name, stream in self._streams.items()}
        if all(starts[name] == stream.end for name, stream in self._streams.items()):
            # One line longer than the limit: its end is better than nothing.
            starts = {name: stream.first_character() for name, stream in self._streams.items()}
        return {str(name): offset for name, offset in starts.items()}

    def _start(self, stream: _Backwards) -> int:
        if stream.at == stream.end or stream.byte_before(stream.at) == b"\n":
            return stream.kept
        reached = stream.at
        for extent in stream.bytes_before(0):
            newline = extent.data.rfind(b"\n")
            self._left -= len(extent.data) - newline - 1
            if self._left < 0:
                break
            if newline >= 0:
                return extent.start + newline + 1
        else:
            return stream.kept
        stream.at = reached
        return stream.next_line()
