"""The bytes of one stream of a run, found by their offset.

A stream lies in files ``<stream>-<offset of the first byte, 20 digits>.log``. The oldest are deleted by the keeper's
retention at any moment, and there may be a gap between two files when the disk was full: offsets stay true, and what
is not there is a hole.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, overload

if TYPE_CHECKING:
    from ...protocol import Stream

__all__ = [
    "STREAMS",
    "Extent",
    "Offsets",
    "Piece",
    "Segment",
    "Segments",
    "StreamBytes",
    "list_segments",
    "list_streams",
    "segment_path",
]

STREAMS: tuple[Stream, Stream] = ("stdout", "stderr")

_DIGITS = 20
_SUFFIX = ".log"
_NAMES: dict[Stream, re.Pattern[str]] = {
    stream: re.compile(rf"(?<=/){stream}-([0-9]{{{_DIGITS}}}){re.escape(_SUFFIX)}(?=/)") for stream in STREAMS
}
_WINDOW = 64 * 1024
_MOST_OPEN = 16
_LOOKS = 20


class Offsets(NamedTuple):
    """A place in both streams: bytes since the run's start."""

    stdout: int
    stderr: int

    def of(self, stream: Stream) -> int:
        """The place in one of them."""
        return self.stdout if stream == "stdout" else self.stderr

    def at(self, stream: Stream, offset: int) -> Offsets:
        """The same with another place in one of them."""
        return Offsets(offset, self.stderr) if stream == "stdout" else Offsets(self.stdout, offset)

    def later(self, other: Offsets) -> Offsets:
        """The later place in each of them."""
        return Offsets(max(self.stdout, other.stdout), max(self.stderr, other.stderr))

    def earlier(self, other: Offsets) -> Offsets:
        """The earlier place in each of them."""
        return Offsets(min(self.stdout, other.stdout), min(self.stderr, other.stderr))


class Piece(NamedTuple):
    """Bytes of one stream, as they were written."""

    stream: Literal["stdout", "stderr"]
    data: bytes


class Segment:
    """One file of a stream."""

    __slots__ = ("_size", "gone", "path", "start", "was_read")

    def __init__(self, path: str, start: int) -> None:
        self.path = path
        self.start = start
        """Stream offset of its first byte."""
        self.gone = False
        self.was_read = False
        self._size = -1

    @property
    def size(self) -> int:
        """Bytes in it when it was first asked for; the last one grows. 0 when retention was quicker."""
        # Not with the list: a log of gigabytes has more than a thousand files, of which an answer touches two.
        if self._size < 0:
            try:
                self._size = os.stat(self.path).st_size
            except OSError:
                self.is_gone()
        return self._size

    @property
    def end(self) -> int:
        """Stream offset after its last byte."""
        return self.start + self.size

    def is_gone(self) -> None:
        """Retention was quicker than we: nobody can read it any more, so it is a hole."""
        self.gone = True
        if not self.was_read:
            self._size = 0


class Extent(NamedTuple):
    """Bytes that lie together in the stream."""

    start: int
    data: bytes

    @property
    def end(self) -> int:
        """Stream offset after the last byte."""
        return self.start + len(self.data)


class Segments(Sequence[Segment]):
    """The files of a stream, oldest first. A log of gigabytes has more than a thousand; most are never looked at."""

    def __init__(self, directory: str, stream: Stream, names: str) -> None:
        """``names``: all of the folder, with a slash before and after each."""
        self._prefix = f"{directory}/{stream}-"
        # All offsets have as many digits: by name is by offset.
        self._digits = sorted(_NAMES[stream].findall(names))
        self._found: dict[int, Segment] = {}

    def __len__(self) -> int:
        return len(self._digits)

    @overload
    def __getitem__(self, index: int) -> Segment: ...

    @overload
    def __getitem__(self, index: slice) -> list[Segment]: ...

    def __getitem__(self, index: int | slice) -> Segment | list[Segment]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        segment = self._found.get(index)
        if segment is None:
            digits = self._digits[index]
            segment = self._found[index] = Segment(f"{self._prefix}{digits}{_SUFFIX}", int(digits))
        return segment

    def at(self, offset: int) -> int:
        """Index of the one that the offset lies in or behind; 0 before the first."""
        return max(0, bisect_right(self._digits, f"{max(offset, 0):0{_DIGITS}d}") - 1)


def list_streams(directory: str) -> dict[Stream, Segments]:
    """The files of both streams out of one look at the folder; none when it is gone."""
    for _ in range(_LOOKS):
        try:
            names = "/".join(["", *os.listdir(directory), ""])
        except OSError:
            names = ""
        found = {stream: Segments(directory, stream, names) for stream in STREAMS}
        # Where the newest file is gone before its size is known, the stream would seem to end before where it began
        # to be read.
        if not any(segments and segments[-1].size == 0 and segments[-1].gone for segments in found.values()):
            break
    return found


def segment_path(directory: str, stream: Stream, start: int) -> str:
    """The path of the segment that begins at a stream offset, whether it is there or not."""
    return os.path.join(directory, f"{stream}-{start:0{_DIGITS}d}{_SUFFIX}")


def list_segments(directory: str, stream: Stream) -> list[Segment]:
    """The files of one stream, oldest first; none when the folder is gone."""
    return list(list_streams(directory)[stream])


class StreamBytes:
    """One look at a stream: reads by offset from the files that were there. Close it."""

    def __init__(self, segments: Segments) -> None:
        self.segments = segments
        self._open: dict[Segment, int] = {}
        self._window = Extent(0, b"")
        self.oldest = segments[0].start if segments else 0
        """Offset of the first byte that is kept."""
        self.end = segments[len(segments) - 1].end if segments else 0
        """Offset after the last byte that is kept."""

    def extents(self, start: int, stop: int, chunk: int) -> Iterator[Extent]:
        """What is kept of [start, stop), from its beginning, in extents of at most ``chunk`` bytes; no holes."""
        for index in range(self.segments.at(start), len(self.segments)):
            segment = self.segments[index]
            if segment.start >= stop:
                return
            low = max(start, segment.start)
            high = min(stop, segment.end)
            while low < high:
                data = self._read(segment, low, min(chunk, high - low))
                if not data:
                    break
                yield Extent(low, data)
                low += len(data)

    def forward(self, start: int, stop: int, limit: int) -> list[Extent]:
        """What is kept of [start, stop), from its beginning, at most ``limit`` bytes. Holes are left out."""
        found: list[Extent] = []
        for extent in self.extents(start, stop, limit):
            data = extent.data[:limit]
            if found and found[-1].end == extent.start:
                # A character may lie across two files.
                found[-1] = Extent(found[-1].start, found[-1].data + data)
            else:
                found.append(Extent(extent.start, data))
            limit -= len(data)
            if limit <= 0:
                break
        return found

    def backward(self, start: int, stop: int, chunk: int) -> Iterator[Extent]:
        """What is kept of [start, stop), from its end, in extents of at most ``chunk`` bytes. Holes are left out."""
        for index in range(self.segments.at(stop - 1), -1, -1) if self.segments else ():
            segment = self.segments[index]
            if stop <= start:
                return
            low = max(start, segment.start)
            high = min(stop, segment.end) if stop > segment.start else low
            while low < high:
                begin = max(low, high - chunk)
                data = self._read(segment, begin, high - begin)
                if not data:
                    break
                yield Extent(begin, data)
                high = begin
            stop = min(stop, segment.start)

    def read(self, start: int, stop: int) -> bytes:
        """What is kept of [start, stop), joined over holes."""
        window = self._window
        begin = start - window.start
        if begin < 0 or stop > window.end:
            begin = start % _WINDOW
            if begin + stop - start > _WINDOW:
                return b"".join([extent.data for extent in self.extents(start, stop, stop - start)])
            # Lines are read one by one, and many lie in one page of the file.
            low = start - begin
            found = next(self.extents(low, low + _WINDOW, _WINDOW), Extent(low, b""))
            if found.start > start or found.end < stop:
                return b"".join([extent.data for extent in self.extents(start, stop, stop - start)])
            window = self._window = found
            begin = start - window.start
        return window.data[begin : begin + stop - start]

    def next_hole(self, start: int, stop: int) -> int:
        """Where the first hole begins behind bytes that are kept, from ``start`` on; ``stop`` when there is none."""
        first = next(self.extents(start, stop, 1), None)
        at = first.start if first is not None else stop
        for index in range(self.segments.at(at), len(self.segments)):
            segment = self.segments[index]
            if segment.start > at or at >= stop:
                break
            at = max(at, segment.end)
        return min(at, stop)

    def kept(self, start: int, stop: int) -> int:
        """How many bytes of [start, stop) are there."""
        count = 0
        for index in range(self.segments.at(start), len(self.segments)):
            segment = self.segments[index]
            if segment.start >= stop:
                break
            count += max(0, min(stop, segment.end) - max(start, segment.start))
        return count

    def _read(self, segment: Segment, offset: int, count: int) -> bytes:
        parts: list[bytes] = []
        try:
            fd = self._descriptor(segment)
            at = offset - segment.start
            while count > 0 and (data := os.pread(fd, count, at)):
                parts.append(data)
                count -= len(data)
                at += len(data)
        except OSError:
            return b""
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _descriptor(self, segment: Segment) -> int:
        # Retention may delete the file at any moment; what was opened in time can be read to its end. So a file stays
        # open for as long as its neighbours are read: a line that was found must still be there when it is shown.
        fd = self._open.get(segment)
        if fd is None:
            try:
                fd = self._open[segment] = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                segment.is_gone()
                raise
            segment.was_read = True
            if len(self._open) > _MOST_OPEN:
                oldest = next(iter(self._open))
                os.close(self._open.pop(oldest))
        return fd

    def close(self) -> None:
        """Close the files; the next read opens what it needs."""
        while self._open:
            os.close(self._open.popitem()[1])
