"""A page of raw bytes: the same places as the pages of lines have, but what is between them as it was written."""

from __future__ import annotations

from .merging import ALL_LINES
from .page import Budget, Page
from .reader import Chunk, read_pieces
from .segments import Offsets
from .selection import Span
from .snapshot import Snapshot
from .tail import find_tail
from .text import raw_lines

__all__ = ["first_pieces", "last_pieces"]


def first_pieces(log: Snapshot, span: Span, budget: Budget, *, ended: bool, by_lines: bool) -> Page:
    """The first bytes of a span; ``by_lines``: no more than the lines that the budget has left."""
    stop = _end_of_lines(log, span, budget) if by_lines else span.high
    hold_back = not ended and stop == log.end
    chunk = read_pieces(log, span.low, span.streams, budget.bytes, stop, hold_back=hold_back)
    return _page(chunk, span.low, budget, complete=stop == span.high and not chunk.more)


def last_pieces(log: Snapshot, span: Span, budget: Budget, *, ended: bool) -> Page:
    """The last lines of a span, as bytes."""
    start = find_tail(log, span, ALL_LINES, budget.lines, budget.bytes)
    hold_back = not ended and span.high == log.end
    # What lies before a place that cuts a character in two goes with what is before it.
    chunk = read_pieces(
        log, start, span.streams, budget.bytes, span.high, hold_back=hold_back, whole_characters=hold_back
    )
    return _page(chunk, start, budget, complete=start == span.low)


def _page(chunk: Chunk, start: Offsets, budget: Budget, *, complete: bool) -> Page:
    for piece in chunk.pieces:
        budget.spend(len(piece.data))
        budget.lines -= piece.data.count(b"\n")
    return Page(raw_lines(chunk.pieces), start, chunk.end, complete, False)


def _end_of_lines(log: Snapshot, span: Span, budget: Budget) -> Offsets:
    """Where the last of the lines ends that the budget has left."""
    stop = span.low
    lines, left = budget.lines, budget.bytes
    for line in ALL_LINES.forward(log, span):
        if lines <= 0 or left <= 0:
            return stop
        lines -= 1
        left -= line.end - line.begin
        stop = stop.at(line.stream, line.end)
    return span.high
