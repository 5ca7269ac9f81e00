"""A page of a log: the first or the last lines of a span, as far as they fit, and which part of the log they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .boundaries import line_begin
from .merging import ALL_LINES
from .quick import clean_lines
from .render import LONGEST, Renderer, Shown, Style
from .screen import MARKER
from .segments import Offsets
from .selection import Line, OutOfTime, Source, Span
from .snapshot import Snapshot

if TYPE_CHECKING:
    from ...protocol import OutputLine

__all__ = ["Budget", "Page", "first_lines", "last_lines"]

_MOST_EXAMINED = 64 * 1024 * 1024
_LINE_COST = 1024
"""Looking at an empty line costs as much as so many bytes of a long one."""
_AGENTS_BYTES = 32 * 1024
_LONGEST_OF_ALL = 64 * 1024


class Page(NamedTuple):
    """Lines of one run, oldest first."""

    lines: list[OutputLine]
    start: Offsets
    """The place before the first of them."""
    end: Offsets
    """The place after the last of them."""
    complete: bool
    """True when nothing of the span lies beyond it."""
    lossy: bool


class Budget:
    """What a reply may still hold. One is used for all runs that a reply is about."""

    def __init__(self, lines: int, max_bytes: int) -> None:
        self.lines = lines
        self.bytes = max_bytes
        self.is_empty = True
        """True until there is a line."""
        self._most = max(1, max_bytes)
        self._examined = _MOST_EXAMINED

    @property
    def spent(self) -> bool:
        """True when no further line fits, or so much was looked at that there must be an answer without one."""
        return self.lines <= 0 or self.bytes <= 0 or self._examined <= 0

    def longest(self, style: Style) -> int:
        """How many bytes of one line are shown."""
        if style.format == "raw":
            return self._most
        # Who has room for more than an agent wants (a person's pipe into another program) gets longer lines as well.
        return min(self._most, LONGEST if self._most <= _AGENTS_BYTES else min(_LONGEST_OF_ALL, self._most // 4))

    def take(self, line: Line, shown: Shown, *, folded: bool) -> bool:
        """Take a line; False when it does not fit. The first one always does, or nobody would ever get past it."""
        size = 0 if folded else shown.size
        if size > self.bytes and not self.is_empty:
            return False
        self._examined -= max(_LINE_COST, line.end - line.begin)
        if shown.lines:
            self.lines -= 1
            self.spend(size)
        return True

    def spend(self, size: int) -> None:
        """So many bytes are taken."""
        self.bytes -= size
        self.is_empty = False


def first_lines(log: Snapshot, span: Span, source: Source, style: Style, budget: Budget, *, ended: bool) -> Page:
    """The first lines of a span.

    ``ended`` says that nothing more will be written. As long as it is False, half a character and half a control
    sequence at the very end stay for a later page.
    """
    renderer = Renderer(log, style, budget.longest(style), ended=ended)
    page = _Lines(style)
    raw = style.format == "raw"
    start = end = span.low
    complete = False
    quick = clean_lines(log, span, style, budget.lines, budget.bytes) if source is ALL_LINES and not raw else None
    if quick is not None:
        page.lines, end = quick
        span = span._replace(low=end)
        budget.lines -= len(page.lines)
        budget.spend(sum(end) - sum(start))
    try:
        for line in source.forward(log, span):
            if budget.spent:
                break
            part = _part(line, source, style, budget) if raw else None
            shown = renderer.after(line if part is None else line._replace(end=line.begin + part))
            folds = page.folds(shown)
            if not budget.take(line, shown, folded=folds):
                break
            page.add(shown, folds)
            end = end.at(line.stream, (line.end if part is None else line.begin + part) - shown.held)
            if part is not None:
                break
        else:
            complete = True
    except OutOfTime as stopped:
        end = end.later(stopped.reached)
    end = _end(log, span, source, end, ended) if complete else end
    return Page(page.lines, start, end, complete, page.lossy)


def last_lines(log: Snapshot, span: Span, source: Source, style: Style, budget: Budget, *, ended: bool) -> Page:
    """The last lines of a span."""
    renderer = Renderer(log, style, budget.longest(style), ended=ended)
    page = _Lines(style)
    raw = style.format == "raw"
    start = span.high
    end = Offsets(-1, -1)
    complete = False
    try:
        for line in source.backward(log, span):
            if budget.spent:
                break
            part = _part(line, source, style, budget) if raw else None
            shown = renderer.before(line if part is None else line._replace(begin=line.end - part))
            folds = page.folds(shown)
            if not budget.take(line, shown, folded=folds):
                break
            page.add(shown if len(shown.lines) < 2 else shown._replace(lines=shown.lines[::-1]), folds)
            start = start.at(line.stream, line.begin if part is None else line.end - part)
            end = end.at(line.stream, max(end.of(line.stream), line.end - shown.held))
            if part is not None:
                break
        else:
            complete = True
    except OutOfTime as stopped:
        start = start.earlier(stopped.reached)
    lines = page.lines[::-1]
    if renderer.unmarked:
        lines.insert(0, {"stream": span.streams[0], "text": MARKER, "partial": False})
    start = span.low if complete else start
    return Page(lines, start, _end(log, span, source, end, ended), complete, page.lossy)


def _part(line: Line, source: Source, style: Style, budget: Budget) -> int | None:
    """How much of a line is given now when it is too long. Only of raw bytes, where nothing is ever cut out."""
    most = budget.longest(style)
    whole = source is not ALL_LINES or line.end - line.begin <= most or not budget.is_empty
    return None if whole else most


def _end(log: Snapshot, span: Span, source: Source, given: Offsets, ended: bool) -> Offsets:
    """The end of a span whose last lines were given, but not beyond what will go on in a run that goes on."""
    end = span.high
    for stream in () if ended else span.streams:
        low, high = span.low.of(stream), span.high.of(stream)
        if low < high == log.end.of(stream) and log.streams[stream].read(high - 1, high) not in (b"\n", b""):
            begin = line_begin(log.streams[stream], low, high)
            if begin <= given.of(stream):
                # The open line was given, but for what waits for its rest.
                end = end.at(stream, given.of(stream))
            elif source is not ALL_LINES:
                # A line that is not wanted may become one that is.
                end = end.at(stream, begin)
    return end


class _Lines:
    """The lines so far, in the order in which they were found."""

    def __init__(self, style: Style) -> None:
        self._fold = style.fold
        self.lines: list[OutputLine] = []
        self.lossy = False

    def folds(self, shown: Shown) -> bool:
        """True when a line is the same as the one before and costs nothing."""
        return (
            self._fold
            and len(shown.lines) == 1
            and bool(self.lines)
            and shown.lines[0].get("text") == self.lines[-1].get("text")
            and _face(shown.lines[0]) == _face(self.lines[-1])
            and not shown.lines[0].get("partial")
        )

    def add(self, shown: Shown, folds: bool) -> None:
        """One more."""
        self.lossy |= shown.lossy
        if folds:
            self.lines[-1]["repeated"] = self.lines[-1].get("repeated", 1) + 1
        else:
            self.lines += shown.lines


def _face(line: OutputLine) -> tuple[object, ...]:
    return (
        line["stream"],
        line.get("text"),
        line.get("partial"),
        line.get("context"),
        line.get("run"),
        line.get("cut_bytes"),
    )
