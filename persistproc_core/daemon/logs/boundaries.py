"""Where the lines of one stream begin and end.

A line ends after its newline, at a hole (bytes that are not kept), and at the end. A line of a gigabyte must cost no
more than another, in either direction: where an aligned block of 16 MiB holds no newline at all, the line is split at
the block's end. That can be told from the block alone, so whoever comes from behind finds the same lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .segments import StreamBytes

__all__ = ["BLOCK_BYTES", "Bounds", "line_begin", "lines_backward", "lines_forward"]

BLOCK_BYTES = 16 * 1024 * 1024
_CHUNK = 64 * 1024


class Bounds(NamedTuple):
    """One line of a stream."""

    begin: int
    end: int
    """After its newline."""
    is_open: bool
    """True for the last one, when it has no newline (yet)."""


def lines_forward(source: StreamBytes, low: int, high: int, block: int = BLOCK_BYTES) -> Iterator[Bounds]:
    """The lines of [low, high), oldest first."""
    begin = at = max(low, source.oldest)
    limit = begin
    for start, data in source.extents(begin, high, _CHUNK):
        if start != at:
            if begin < at:
                yield Bounds(begin, at, False)
            begin = start
        at = start + len(data)
        newline = data.find(b"\n")
        while newline >= 0:
            end = start + newline + 1
            if end > limit:
                for split in _splits(source, begin, end, block):
                    yield Bounds(begin, split, False)
                    begin = split
                limit = end - end % block + block
            yield Bounds(begin, end, False)
            begin = end
            newline = data.find(b"\n", newline + 1)
        for split in _splits(source, begin, at, block):
            yield Bounds(begin, split, False)
            begin = split
    if begin < at:
        yield Bounds(begin, at, True)


def lines_backward(source: StreamBytes, low: int, high: int, block: int = BLOCK_BYTES) -> Iterator[Bounds]:
    """The same lines, newest first."""
    end = at = -1
    is_open = False
    for start, data in source.backward(max(low, source.oldest), high, _CHUNK):
        if at != start + len(data):
            if end >= 0:
                yield from _parts(source, at, end, is_open, block)
            is_open = end < 0 and not data.endswith(b"\n")
            end = start + len(data)
        stop = min(start + len(data), end - 1) - start
        while (newline := data.rfind(b"\n", 0, stop)) >= 0:
            stop = newline
            yield from _parts(source, start + newline + 1, end, is_open, block)
            is_open = False
            end = start + newline + 1
        at = start
        while (split := (end - 1) // block * block) >= at + block:
            # There is no need to know where it begins, and that may be far.
            yield Bounds(split, end, is_open)
            is_open = False
            end = split
    if end > at:
        yield from _parts(source, at, end, is_open, block)


def line_begin(source: StreamBytes, low: int, place: int) -> int:
    """Where the line begins that holds the byte before ``place``, but not before ``low``."""
    for bounds in lines_backward(source, low, place):
        return bounds.begin
    return place


def _splits(source: StreamBytes, begin: int, end: int, block: int) -> list[int]:
    """Where a line that has no newline from ``begin`` to before its end is split."""
    split = begin - begin % block + block
    if split >= end:
        return []
    if not _without_newline(source, split - block, begin):
        split += block
    return list(range(split, end, block))


def _parts(source: StreamBytes, begin: int, end: int, is_open: bool, block: int) -> Iterator[Bounds]:
    for split in reversed(_splits(source, begin, end, block)):
        yield Bounds(split, end, is_open)
        end, is_open = split, False
    yield Bounds(begin, end, is_open)


def _without_newline(source: StreamBytes, low: int, place: int) -> bool:
    """True when all from ``low`` to ``place`` is kept, and no newline is in it."""
    at = place
    for extent in source.backward(low, place, _CHUNK):
        if extent.end != at or b"\n" in extent.data:
            return False
        at = extent.start
    return at == low
