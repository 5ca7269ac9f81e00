"""Where the last lines of a run begin: a log of gigabytes costs its last pages only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .characters import skip_continuation
from .segments import Offsets
from .selection import Source, Span
from .snapshot import Snapshot

if TYPE_CHECKING:
    from ...protocol import Stream

__all__ = ["find_tail"]


def find_tail(log: Snapshot, span: Span, source: Source, lines: int, max_bytes: int) -> Offsets:
    """Where the last ``lines`` lines of the span begin, at most ``max_bytes`` before its end.

    Each begins at its first byte, which may lie before lines of the other stream. What is too long is left out, unless
    it is all there is: the end of one long line is better than nothing. A stream that is not asked for stays at its
    end.
    """
    start = span.high
    left = max_bytes
    if lines <= 0:
        return start
    for line in source.backward(log, span):
        size = line.end - line.begin
        if size > left:
            return _end_of(log, start, line.stream, line.end, left) if left == max_bytes > 0 else start
        left -= size
        lines -= 1
        start = start.at(line.stream, line.begin)
        if lines == 0:
            return start
    return span.low


def _end_of(log: Snapshot, start: Offsets, stream: Stream, end: int, size: int) -> Offsets:
    begin = end - size
    # Not half a character; but where a whole one does not fit, better a part of it than nothing.
    skipped = skip_continuation(log.streams[stream].read(begin, min(begin + 3, end)))
    return start.at(stream, begin + skipped if skipped < size else begin)
