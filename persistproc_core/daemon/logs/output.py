"""One answer to "what did it print": what comes after a place, or the last lines, and where the next read goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .merging import ALL_LINES
from .page import Budget, Page, first_lines, last_lines
from .pieces import first_pieces, last_pieces
from .reader import RunLog
from .render import Style
from .segments import STREAMS, Offsets
from .selection import Source, Span, streams_of
from .snapshot import Snapshot

if TYPE_CHECKING:
    from ...protocol import OutputLine, View

__all__ = ["MOST_LINES", "Output", "first_page", "last_output", "last_page", "page_before_hole", "read_output"]

MOST_LINES = 10_000
"""In one reply."""

_PLAIN = Style()


class Output(NamedTuple):
    """A part of a run's output."""

    lines: list[OutputLine]
    end: Offsets
    """For the next cursor."""
    more: bool
    """True when there was more after `end` already."""
    lossy: bool
    missed_bytes: int


def first_page(log: Snapshot, span: Span, source: Source, style: Style, budget: Budget, *, ended: bool) -> Page:
    """The first lines of a span; in raw format its bytes, unless each line counts by itself."""
    if _is_plain_bytes(source, style):
        return first_pieces(log, span, budget, ended=ended, by_lines=budget.lines < MOST_LINES)
    return first_lines(log, span, source, style, budget, ended=ended)


def last_page(log: Snapshot, span: Span, source: Source, style: Style, budget: Budget, *, ended: bool) -> Page:
    """The last lines of a span."""
    if _is_plain_bytes(source, style):
        return last_pieces(log, span, budget, ended=ended)
    return last_lines(log, span, source, style, budget, ended=ended)


def _is_plain_bytes(source: Source, style: Style) -> bool:
    return style.format == "raw" and source is ALL_LINES and not style.timestamps


def read_output(
    log: RunLog, start: Offsets, view: View, max_bytes: int, style: Style = _PLAIN, *, ended: bool
) -> Output:
    """What comes after ``start``.

    ``ended`` says that nothing more will be written. As long as it is False, half a character and half a control
    sequence at the very end stay for a later read; there may be no lines then, and ``more`` is False.
    """
    with log.look() as look:
        streams = streams_of(view)
        low = look.clamped(start)
        high = Offsets(*(look.end.of(stream) if stream in streams else low.of(stream) for stream in STREAMS))
        span = Span(low, high, streams)
        page = first_page(look, span, ALL_LINES, style, Budget(MOST_LINES, max_bytes), ended=ended)
        if look.missing(low, page.end):
            page = page_before_hole(look, span, ALL_LINES, style, Budget(MOST_LINES, max_bytes), page) or page
        return Output(page.lines, page.end, not page.complete, page.lossy, look.missing(low, page.end))


def page_before_hole(
    log: Snapshot, span: Span, source: Source, style: Style, budget: Budget, page: Page
) -> Page | None:
    """The first page anew, up to the first hole between its lines; None when there is no such hole.

    Who goes on from page to page is told of a hole before what comes after it, not in its midst.
    """
    gaps = Offsets(*(log.streams[each].next_hole(span.low.of(each), page.end.of(each)) for each in STREAMS))
    if gaps == page.end:
        return None
    shorter = span._replace(high=gaps.later(span.low))
    return first_page(log, shorter, source, style, budget, ended=True)._replace(complete=False)


def last_output(log: RunLog, lines: int, view: View, max_bytes: int, style: Style = _PLAIN, *, ended: bool) -> Output:
    """The last lines, at most ``lines``, and the place after them."""
    with log.look() as look:
        span = Span(look.oldest, look.end, streams_of(view))
        page = last_page(look, span, ALL_LINES, style, Budget(lines, max_bytes), ended=ended)
        return Output(page.lines, page.end, False, page.lossy, look.missing(page.start, page.end))
