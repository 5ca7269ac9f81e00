"""Whole lines of a stream in large pieces: a search that took each line by itself would take a minute a gigabyte."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .boundaries import lines_backward, lines_forward
from .segments import Extent, StreamBytes

__all__ = ["LARGE", "Block", "Sizes", "blocks_backward", "blocks_forward", "line_data"]


class Sizes(NamedTuple):
    """How much is read at a time, in bytes."""

    first: int
    """The first read; each further one is twice as large."""
    largest: int
    """The largest read; a line that is longer than it is a long line."""
    kept: int
    """Of a long line, so much of its beginning and of its end is looked at."""


LARGE = Sizes(32 * 1024, 256 * 1024, 64 * 1024)

_CUT = "…".encode()


class Block(NamedTuple):
    """Lines that follow each other in the stream."""

    begin: int
    """Stream offset of the first byte."""
    end: int
    """Stream offset after the last byte."""
    data: bytes
    """The lines are its first ``length`` bytes; or, when they are not ``end - begin``, one long line, shortened."""
    length: int
    is_open: bool
    """True when the last line is the last of all and has no newline (yet)."""

    @property
    def is_long_line(self) -> bool:
        """True for one line that is too long to be looked at as a whole."""
        return self.length != self.end - self.begin


def blocks_forward(source: StreamBytes, low: int, high: int, sizes: Sizes = LARGE) -> Iterator[Block]:
    """The lines of [low, high), oldest first."""
    at, size = low, sizes.first
    while at < high:
        extent = next(iter(source.forward(at, high, size)), None)
        if extent is None:
            return
        length = len(extent.data)
        if length < size:
            block = _whole(source, extent, high)
        elif newline := extent.data.rfind(b"\n") + 1:
            block = Block(extent.start, extent.start + newline, extent.data, newline, False)
        elif size < sizes.largest:
            size = sizes.largest
            continue
        else:
            bounds = next(lines_forward(source, extent.start, high))
            block = _one_line(source, bounds.begin, bounds.end, high, sizes)
        yield block
        at = block.end
        size = min(size * 2, sizes.largest)


def blocks_backward(source: StreamBytes, low: int, high: int, sizes: Sizes = LARGE) -> Iterator[Block]:
    """The same lines, newest first; inside a block they are oldest first all the same."""
    stop, size = high, sizes.first
    low = max(low, source.oldest)
    while stop > low:
        extent = _last_extent(source, low, stop, size)
        if extent is None:
            return
        length = len(extent.data)
        if length < size:
            block = _whole(source, extent, high)
        elif newline := extent.data.find(b"\n", 0, length - 1) + 1:
            data = extent.data[newline:]
            block = _whole(source, Extent(extent.start + newline, data), high)
        elif size < sizes.largest:
            size = sizes.largest
            continue
        else:
            bounds = next(lines_backward(source, low, extent.end))
            block = _one_line(source, bounds.begin, bounds.end, high, sizes)
        yield block
        stop = block.begin
        size = min(size * 2, sizes.largest)


def _last_extent(source: StreamBytes, low: int, high: int, size: int) -> Extent | None:
    """The last ``size`` bytes of [low, high) that lie together; fewer only when a hole or ``low`` is before them."""
    parts: list[bytes] = []
    begin = end = -1
    for extent in source.backward(low, high, size):
        if parts and extent.end != begin:
            break
        data = extent.data[max(0, len(extent.data) - size) :]
        parts.append(data)
        begin = extent.end - len(data)
        end = max(end, extent.end)
        size -= len(data)
        if size == 0:
            break
    return Extent(begin, b"".join(reversed(parts))) if parts else None


def _whole(source: StreamBytes, extent: Extent, high: int) -> Block:
    is_open = not extent.data.endswith(b"\n") and source.kept(extent.end, high) == 0
    return Block(extent.start, extent.end, extent.data, len(extent.data), is_open)


def _one_line(source: StreamBytes, begin: int, end: int, high: int, sizes: Sizes) -> Block:
    data = line_data(source, begin, end, sizes)
    is_open = not data.endswith(b"\n") and source.kept(end, high) == 0
    return Block(begin, end, data, len(data), is_open)


def line_data(source: StreamBytes, begin: int, end: int, sizes: Sizes = LARGE) -> bytes:
    """A line, shortened when it is a long one."""
    if end - begin <= sizes.largest:
        return source.read(begin, end)
    return source.read(begin, begin + sizes.kept) + _CUT + source.read(end - sizes.kept, end)
