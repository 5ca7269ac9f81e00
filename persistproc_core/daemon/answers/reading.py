"""Answers a question about the output of one or several runs. Blocking: for worker threads."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import NamedTuple

from ...protocol import OutputLine
from ..logs.merging import ALL_LINES
from ..logs.normal import NewLines
from ..logs.output import first_page, last_page, page_before_hole
from ..logs.page import Budget, Page
from ..logs.reader import RunLog
from ..logs.render import Style
from ..logs.search import make_source
from ..logs.segments import STREAMS, Offsets
from ..logs.selection import Source, Span, streams_of
from ..logs.snapshot import Snapshot
from ..model import Process, Run
from .asking import Question
from .places import begins_after, first_after, last_before

__all__ = ["Found", "Place", "read"]

_SEARCH_SECONDS = 10.0
_MOST_COUNTED = 8 * 1024 * 1024
_MOST_COUNTED_ON_THE_WAY = 1024 * 1024


class Place(NamedTuple):
    """A place in one of the runs."""

    run: Run
    offsets: Offsets


class Found(NamedTuple):
    """The answer."""

    lines: list[OutputLine]
    start: Place
    end: Place
    more: bool
    ended: bool
    lossy: bool
    missed_bytes: int
    incomplete: bool
    omitted_lines: int | None
    omitted_bytes: int


class _Part(NamedTuple):
    """What is selected of one run, and one look at its log."""

    run: Run
    log: Snapshot
    span: Span
    source: Source
    ended: bool
    new: NewLines | None
    """What tells new lines, where only those are asked for."""


def read(process: Process, question: Question) -> Found:
    """Read what is asked for.

    Raises `InvalidParams` for a regular expression that cannot be compiled, or takes too long.
    """
    return _Reading(process, question).answer()


class _Reading:
    def __init__(self, process: Process, question: Question) -> None:
        self._process = process
        self._question = question
        self._deadline = time.monotonic() + _SEARCH_SECONDS
        self._budget = Budget(question.lines, question.max_bytes)
        self._lossy = False
        self._missed = 0
        self._incomplete = False
        self._omitted = _Omitted(_MOST_COUNTED if question.cursor is None else _MOST_COUNTED_ON_THE_WAY)

    def answer(self) -> Found:
        """Go through the runs, from the newest back or from the oldest on, until the budget is spent."""
        newest_first = self._question.part == "last"
        selected = self._selected()
        runs = selected[::-1] if newest_first else selected
        lines: list[list[OutputLine]] = []
        starts: list[Place] = []
        ends: list[Place] = []
        ended = left = more = False
        for run in runs:
            with self._part(run) as part:
                if left:
                    # Not read any more, only counted.
                    more = more or part.span.low != part.span.high
                    self._omitted.add(part, part.span)
                    continue
                page = self._last(part) if newest_first else self._first(part)
                self._lossy |= page.lossy
                self._incomplete |= part.new is not None and not part.new.complete
                self._missed += part.log.missing(page.start, page.end)
                lines.append(page.lines)
                starts.append(Place(run, page.start))
                ends.append(Place(run, page.end))
                if run is selected[-1]:
                    ended = _is_over(part, page)
                if not page.complete:
                    left = more = True
                    rest = part.span._replace(high=page.start) if newest_first else part.span._replace(low=page.end)
                    self._omitted.add(part, rest)
        if newest_first:
            lines.reverse()
        return Found(
            [line for page_lines in lines for line in page_lines],
            starts[-1 if newest_first else 0],
            ends[0 if newest_first else -1],
            more and not newest_first,
            ended,
            self._lossy,
            self._missed,
            self._incomplete,
            self._omitted.lines,
            self._omitted.bytes,
        )

    def _selected(self) -> tuple[Run, ...]:
        """The runs, but none that lies behind `before` as a whole: the cursor would pass by lines."""
        runs, before = self._question.runs, self._question.before
        if before is None:
            return runs
        return tuple(run for run in runs if not begins_after(before, run)) or runs[:1]

    def _last(self, part: _Part) -> Page:
        return last_page(part.log, part.span, part.source, self._style(part.run), self._budget, ended=part.ended)

    def _first(self, part: _Part) -> Page:
        style = self._style(part.run)
        left = copy(self._budget)
        page = first_page(part.log, part.span, part.source, style, left, ended=part.ended)
        if part.log.missing(page.start, page.end):
            again = copy(self._budget)
            shorter = page_before_hole(part.log, part.span, part.source, style, again, page)
            if shorter is not None:
                page, left = shorter, again
        self._budget = left
        return page

    @contextmanager
    def _part(self, run: Run) -> Iterator[_Part]:
        question = self._question
        # Before the log is read: what comes between the two would otherwise be lost to a reader that is told the end.
        ended = not run.live
        with RunLog(run.directory).look() as log:
            high = log.end if question.before is None else last_before(question.before, run, log)
            if question.cursor is not None and run is question.runs[0]:
                low = log.clamped(question.cursor)
            else:
                # What is no longer kept is missed where it was asked for.
                low = log.oldest if question.since is None else first_after(question.since, run, log)
            high = _later(high, low)
            streams = streams_of(question.view)
            for stream in STREAMS:
                if stream not in streams:
                    # It stays where the cursor has it; a cursor from an end has it at the end.
                    at = low.of(stream) if question.part == "first" else high.of(stream)
                    low, high = low.at(stream, at), high.at(stream, at)
            new = self._new_lines(run)
            yield _Part(run, log, Span(low, high, streams), self._source(new), ended, new)

    def _new_lines(self, run: Run) -> NewLines | None:
        if not self._question.params.get("new_in_run", False):
            return None
        # A copy, for the daemon may remove runs meanwhile.
        earlier = [each for each in tuple(self._process.runs) if each.number < run.number]
        return NewLines(RunLog(earlier[-1].directory) if earlier else None, self._deadline)

    def _source(self, new: NewLines | None) -> Source:
        params = self._question.params
        return ALL_LINES if "grep" not in params and new is None else make_source(params, new, self._deadline)

    def _style(self, run: Run) -> Style:
        style = self._question.style
        return style._replace(run=run.number) if len(self._question.runs) > 1 else style


class _Omitted:
    """What is selected but not in the answer."""

    def __init__(self, most_counted: int) -> None:
        self.lines: int | None = 0
        self.bytes = 0
        self._left = most_counted

    def add(self, part: _Part, span: Span) -> None:
        size = sum(
            span.high.of(stream) - max(span.low.of(stream), min(part.log.oldest.of(stream), span.high.of(stream)))
            for stream in span.streams
        )
        self.bytes += size
        self._left -= size
        if self.lines is not None and size:
            count = part.source.count(part.log, span) if self._left >= 0 else None
            self.lines = None if count is None else self.lines + count


def _is_over(part: _Part, page: Page) -> bool:
    streams = part.span.streams
    return part.ended and all(page.end.of(stream) >= part.log.end.of(stream) for stream in streams)


def _later(one: Offsets, other: Offsets) -> Offsets:
    return Offsets(max(one.stdout, other.stdout), max(one.stderr, other.stderr))
