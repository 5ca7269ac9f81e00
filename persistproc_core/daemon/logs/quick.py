"""Many lines at once, where nothing in them asks for more: one stream, short lines, no control characters.

A follower of a flood reads a hundred thousand lines a second, and line by line costs ten times as much as this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .render import LONGEST, Style
from .screen import drawn_before
from .segments import Offsets
from .selection import Span
from .snapshot import Snapshot
from .text import is_clean

if TYPE_CHECKING:
    from ...protocol import OutputLine, Stream

__all__ = ["clean_lines"]

_LEAST = 4096
_MOST = 256 * 1024


def clean_lines(
    log: Snapshot, span: Span, style: Style, lines: int, max_bytes: int
) -> tuple[list[OutputLine], Offsets] | None:
    """Whole lines from the beginning of the span, and where they end; None where they must be looked at one by one.

    They are what `render.Renderer` makes of these lines.
    """
    streams = [stream for stream in span.streams if span.low.of(stream) < span.high.of(stream)]
    if len(streams) != 1 or style.timestamps or style.fold or style.run is not None:
        return None
    stream = streams[0]
    low = span.low.of(stream)
    size = min(span.high.of(stream) - low, max_bytes, _MOST)
    found = _found(log, stream, low, size, lines) if size >= _LEAST else None
    if found is None:
        return None
    texts, end = found
    return [{"stream": stream, "text": text, "partial": False} for text in texts], span.low.at(stream, end)


def _found(log: Snapshot, stream: Stream, low: int, size: int, lines: int) -> tuple[list[str], int] | None:
    source = log.streams[stream]
    extents = source.forward(low, low + size, size)
    if not extents or extents[0].start != low:
        return None
    data = extents[0].data
    data = data[: data.rfind(b"\n") + 1]
    try:
        text = data[:-1].decode()
    except UnicodeDecodeError:
        return None
    texts = text.split("\n")
    longest = max(map(len, texts)) * (1 if text.isascii() else 4)
    if not data or len(texts) > lines or longest > LONGEST or not is_clean("".join(texts)):
        return None
    return None if drawn_before(source, low, b"") else (texts, low + len(data))
