"""One answer to "what did it print": a read of the log, as lines or raw pieces, and where the next one goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .reader import Chunk, RunLog, View
from .segments import Offsets
from .text import plain_lines, raw_lines

if TYPE_CHECKING:
    from ...protocol import OutputLine

__all__ = ["Output", "last_output", "read_output"]


class Output(NamedTuple):
    """A part of a run's output."""

    lines: list[OutputLine]
    end: Offsets
    """For the next cursor."""
    more: bool
    """True when there was more after `end` already."""
    lossy: bool
    missed_bytes: int


def read_output(log: RunLog, start: Offsets, view: View, max_bytes: int, *, raw: bool, ended: bool) -> Output:
    """What comes after ``start``.

    ``ended`` says that nothing more will be written. As long as it is False, half a character and half a control
    sequence at the very end stay for a later read; there may be no lines then, and ``more`` is False.
    """
    chunk = log.read(start, view, max_bytes, hold_back=not ended)
    if raw:
        return Output(raw_lines(chunk.pieces), chunk.end, chunk.more, False, chunk.missed_bytes)
    return _plain(chunk, start, ended)


def _plain(chunk: Chunk, start: Offsets, ended: bool) -> Output:
    text = plain_lines(chunk.pieces, final=ended and not chunk.more)
    end = Offsets(chunk.end.stdout - text.held.stdout, chunk.end.stderr - text.held.stderr)
    if chunk.more and not text.lines and end == start:
        # The limit is shorter than a control sequence: go on without it, or the reader would never get past it.
        text = plain_lines(chunk.pieces, final=True)
        end = chunk.end
    return Output(text.lines, end, chunk.more, text.lossy, chunk.missed_bytes)


def last_output(log: RunLog, lines: int, view: View, max_bytes: int, *, raw: bool, ended: bool) -> Output:
    """The last lines, at most ``lines``, and the place after them."""
    output = read_output(log, log.tail(lines, view, max_bytes), view, max_bytes, raw=raw, ended=ended)
    if not raw and len(output.lines) > lines:
        return output._replace(lines=output.lines[len(output.lines) - lines :])
    return output
