"""What is selected of a run's log, and the lines of it, by their offsets.

A source finds lines (all of them, or those that a search keeps) lazily, in either direction; whoever asks stops when it
has enough. Lines are in the order of their endings: that of the marks, and inside one mark stdout first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .segments import STREAMS, Offsets

if TYPE_CHECKING:
    from ...protocol import Stream, View
    from .snapshot import Snapshot

__all__ = ["Line", "OutOfTime", "Source", "Span", "streams_of"]


class Line(NamedTuple):
    """A line by its offsets in its stream."""

    stream: Stream
    begin: int
    end: int
    """After its newline; where the span ends when the line has no ending yet."""
    context: bool = False
    """True when it is not wanted itself, but near one that is."""


class Span(NamedTuple):
    """A part of one run's log. Both places may lie inside of a line: what is between them counts as the line."""

    low: Offsets
    high: Offsets
    streams: tuple[Stream, ...] = STREAMS
    """Which of them."""


class Source(Protocol):
    """Finds lines of a span."""

    def forward(self, log: Snapshot, span: Span) -> Iterator[Line]:
        """Oldest first. Raises `OutOfTime`."""

    def backward(self, log: Snapshot, span: Span) -> Iterator[Line]:
        """The same lines, newest first. Raises `OutOfTime`."""

    def count(self, log: Snapshot, span: Span) -> int | None:
        """How many there are; None when counting costs too much."""


class OutOfTime(Exception):
    """A source gives up: between where it began and `reached` it has given all that there is."""

    def __init__(self, reached: Offsets) -> None:
        super().__init__(reached)
        self.reached = reached
        """Each stream's part of it lies between two lines."""


def streams_of(view: View) -> tuple[Stream, ...]:
    """The streams that a view shows."""
    return STREAMS if view == "combined" else (view,)
