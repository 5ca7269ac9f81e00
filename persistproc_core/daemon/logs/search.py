"""Searches a run's log: lines that match a regular expression, lines that the run before did not print.

The log is read in blocks of whole lines, from the end where the newest are wanted, and the streams are put together by
the marks as far as the answer needs it: what is near the end costs no more in a log of gigabytes. Of a line that is
longer than a block only the beginning and the end are looked at, as if nothing but ``…`` were between them.

Everything here blocks, so it belongs into worker threads. While a pattern is at work others may use the interpreter.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ...errors import InvalidParams
from .blocks import LARGE, Block, Sizes, blocks_backward, blocks_forward, line_data
from .context import Context
from .filters import AllOf, Filter, TimeIsUp
from .merging import ALL_LINES
from .pattern import Pattern
from .segments import STREAMS, Offsets, StreamBytes
from .selection import Line, OutOfTime, Source, Span

if TYPE_CHECKING:
    from ...protocol import GetProcessOutputParams, Stream
    from .normal import NewLines
    from .snapshot import Snapshot

__all__ = ["Search", "make_source"]

_MOST_COUNTED = 8 * 1024 * 1024
_HOPELESS_SECONDS = 5.0

_Key = tuple[float, float, float]
"""The order of a line: the mark that covers its end, stdout before stderr, its end."""
_FIRST: Final[_Key] = (-math.inf, -math.inf, 0)
_NONE: Final[_Key] = (math.inf, math.inf, 0)


def make_source(params: GetProcessOutputParams, new: NewLines | None, deadline: float) -> Source:
    """The lines that ``params`` ask for (grep and what belongs to it), and of those only the new ones.

    ``deadline`` is a time of `time.monotonic`. Raises `InvalidParams` for a pattern that cannot be compiled.
    """
    filters: list[Filter] = []
    if "grep" in params:
        ignore_case, invert = params.get("ignore_case", False), params.get("invert", False)
        filters.append(Pattern(params["grep"], ignore_case=ignore_case, invert=invert, deadline=deadline))
    if new is not None:
        filters.append(new)
    search = Search(filters[0] if len(filters) == 1 else AllOf(*filters), deadline)
    both = params.get("context", 0)
    before, after = params.get("context_before", both), params.get("context_after", both)
    return Context(search, ALL_LINES, before, after) if before or after else search


class Search:
    """The lines of a log that a filter wants. It is a `Source`."""

    def __init__(self, wanted: Filter, deadline: float = math.inf, sizes: Sizes = LARGE) -> None:
        self._wanted = wanted
        self._deadline = deadline
        self._sizes = sizes

    def forward(self, log: Snapshot, span: Span) -> Iterator[Line]:
        """Oldest first. Raises `OutOfTime`, or `InvalidParams` when the time was not enough for any line."""
        return self._lines([_Lane(log, stream, span, self._sizes, backward=False) for stream in span.streams], span.low)

    def backward(self, log: Snapshot, span: Span) -> Iterator[Line]:
        """The same lines, newest first."""
        return self._lines([_Lane(log, stream, span, self._sizes, backward=True) for stream in span.streams], span.high)

    def count(self, log: Snapshot, span: Span) -> int | None:
        """How many lines there are; None when more than 8 MiB are to be read, or the time is up."""
        if sum(span.high.of(stream) - span.low.of(stream) for stream in span.streams) > _MOST_COUNTED:
            return None
        try:
            return sum(self._count(log.streams[each], span.low.of(each), span.high.of(each)) for each in span.streams)
        except (TimeIsUp, InvalidParams):
            return None

    def _count(self, source: StreamBytes, low: int, high: int) -> int:
        # Without the order between the streams, which costs more than the search where much is found.
        count = 0
        for block in blocks_forward(source, low, high, self._sizes):
            if time.monotonic() > self._deadline:
                raise TimeIsUp
            count += len(self._wanted.select(block.data, block.length))
        return count

    def is_wanted(self, log: Snapshot, line: Line) -> bool:
        """Whether a line is one that the filter wants."""
        return self._wanted.accepts(line_data(log.streams[line.stream], line.begin, line.end, self._sizes))

    def _lines(self, lanes: list[_Lane], start: Offsets) -> Iterator[Line]:
        reached = start
        began = time.monotonic()
        try:
            while (lane := min(lanes, key=_Lane.next_key)).next_key() != _NONE:
                if lane.found:
                    yield lane.found.popleft()[1]
                    continue
                if time.monotonic() > self._deadline:
                    raise TimeIsUp
                reached = reached.at(lane.stream, lane.advance(self._wanted))
        except TimeIsUp:
            if reached == start and time.monotonic() - began > _HOPELESS_SECONDS:
                raise InvalidParams(
                    "grep takes too long: the time was up before the first lines were searched",
                    hint="write a simpler pattern",
                ) from None
        else:
            return
        for _, line in sorted(found for lane in lanes for found in lane.found):
            yield line
        raise OutOfTime(reached)


class _Lane:
    """One stream of a search: what was found in it and not yet given. The least key is given first."""

    def __init__(self, log: Snapshot, stream: Stream, span: Span, sizes: Sizes, *, backward: bool) -> None:
        self.stream = stream
        self.found: deque[tuple[_Key, Line]] = deque()
        self._order = log.order
        self._rank = STREAMS.index(stream)
        self._backward = backward
        low, high = span.low.of(stream), span.high.of(stream)
        blocks = blocks_backward if backward else blocks_forward
        self._blocks = blocks(log.streams[stream], low, high, sizes)
        self._end = low if backward else high
        self._bound = _FIRST

    def next_key(self) -> _Key:
        """The key of the next line; or, when none is found, the least that one may have that is still to be found."""
        return self.found[0][0] if self.found else self._bound

    def advance(self, wanted: Filter) -> int:
        """Search one block more; the offset up to which all lines were given or are in `found`."""
        block = next(self._blocks, None)
        if block is None:
            self._bound = _NONE
            return self._end
        lines = [self._line(block, begin, end) for begin, end in wanted.select(block.data, block.length)]
        if self._backward:
            self.found.extend(reversed(lines))
            self._bound = self._key(block.begin)
            return block.begin
        self.found.extend(lines)
        self._bound = self._key(block.end + 1)
        if block.is_open and not (lines and lines[-1][1].end == block.end):
            # It may still become a line that is wanted.
            self._end = block.begin + block.data.rfind(b"\n", 0, block.length) + 1
            return self._end
        return block.end

    def _line(self, block: Block, begin: int, end: int) -> tuple[_Key, Line]:
        if block.is_long_line:
            begin, end = block.begin, block.end
        else:
            begin, end = block.begin + begin, block.begin + end
        return self._key(end, is_open=block.is_open and end == block.end), Line(self.stream, begin, end)

    def _key(self, end: int, *, is_open: bool = False) -> _Key:
        mark = math.inf if is_open else self._order.mark(self.stream, end)
        return (-mark, -self._rank, -end) if self._backward else (mark, self._rank, end)
