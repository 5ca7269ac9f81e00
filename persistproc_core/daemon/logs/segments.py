"""The bytes of one stream of a run, found by their offset.

A stream lies in files ``<stream>-<offset of the first byte, 20 digits>.log``. The oldest are deleted by the keeper's
retention at any moment, and there may be a gap between two files when the disk was full: offsets stay true, and what
is not there is a hole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from ...protocol import Stream

__all__ = ["STREAMS", "Extent", "Offsets", "Piece", "Segment", "StreamBytes", "list_segments"]

STREAMS: tuple[Stream, Stream] = ("stdout", "stderr")


class Offsets(NamedTuple):
    """A place in both streams: bytes since the run's start."""

    stdout: int
    stderr: int


class Piece(NamedTuple):
    """Bytes of one stream, as they were written."""

    stream: Literal["stdout", "stderr"]
    data: bytes


class Segment(NamedTuple):
    """One file of a stream."""

    path: str
    start: int
    """Stream offset of its first byte."""
    size: int
    """Bytes in it when it was looked at; the last one grows."""

    @property
    def end(self) -> int:
        """Stream offset after its last byte."""
        return self.start + self.size


class Extent(NamedTuple):
    """Bytes that lie together in the stream."""

    start: int
    data: bytes

    @property
    def end(self) -> int:
        """Stream offset after the last byte."""
        return self.start + len(self.data)


def list_segments(directory: str, stream: str) -> list[Segment]:
    """The files of a stream, oldest first; none when the folder is gone."""
    prefix = f"{stream}-"
    found = []
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    for name in names:
        digits = name[len(prefix) : -4]
        if name.startswith(prefix) and name.endswith(".log") and digits.isascii() and digits.isdigit():
            path = os.path.join(directory, name)
            try:
                found.append(Segment(path, int(digits), os.stat(path).st_size))
            except OSError:
                continue  # retention was quicker
    return sorted(found, key=lambda segment: segment.start)


class StreamBytes:
    """One look at a stream: reads by offset from the files that were there."""

    def __init__(self, segments: list[Segment]) -> None:
        self.segments = segments

    @property
    def oldest(self) -> int:
        """Offset of the first byte that is kept."""
        return self.segments[0].start if self.segments else 0

    @property
    def end(self) -> int:
        """Offset after the last byte."""
        return self.segments[-1].end if self.segments else 0

    def forward(self, start: int, stop: int, limit: int) -> list[Extent]:
        """What is kept of [start, stop), from its beginning, at most ``limit`` bytes. Holes are left out."""
        found: list[Extent] = []
        for segment in self.segments:
            low = max(start, segment.start)
            high = min(stop, segment.end, low + limit)
            if low >= high:
                continue
            data = _read(segment, low, high - low)
            if data and found and found[-1].end == low:
                found[-1] = Extent(found[-1].start, found[-1].data + data)  # a character may lie across two files
            elif data:
                found.append(Extent(low, data))
            limit -= len(data)
            start = low + len(data)
        return found

    def backward(self, start: int, stop: int, chunk: int) -> Iterator[Extent]:
        """What is kept of [start, stop), from its end, in extents of at most ``chunk`` bytes. Holes are left out."""
        for segment in reversed(self.segments):
            low = max(start, segment.start)
            high = min(stop, segment.end)
            while low < high:
                begin = max(low, high - chunk)
                data = _read(segment, begin, high - begin)
                if not data:
                    break
                yield Extent(begin, data)
                high = begin
            stop = min(stop, segment.start)


def _read(segment: Segment, offset: int, count: int) -> bytes:
    # Retention may delete the file at any moment; what was opened in time can be read to its end.
    try:
        with open(segment.path, "rb", buffering=0) as file:
            file.seek(offset - segment.start)
            parts = []
            while count > 0 and (data := file.read(count)):
                parts.append(data)
                count -= len(data)
    except OSError:
        return b""
    return b"".join(parts)
