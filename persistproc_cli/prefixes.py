"""The names in front of the lines of several processes: aligned, each in a colour of its own."""

from __future__ import annotations

import sys

from .oneline import one_line
from .terminal import colours, paint, text_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from persistproc_core.protocol import Stream

__all__ = ["Prefixes"]

# Red is that of standard error.
_COLOURS = (
    *("cyan", "yellow", "green", "magenta", "blue"),
    *("bright cyan", "bright yellow", "bright green", "bright magenta", "bright blue"),
)
_WIDEST = 24


class Prefixes:
    """``web | ``; on a terminal the name in its colour, and the bar red for what was written to standard error.

    A name has the same colour in every call, unless another one that is shown as well had the same: then the one that
    comes later in the alphabet gives way.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._coloured = colours(sys.stdout)
        self._colours: dict[str, str] = {}
        self._width = 0
        self._made: dict[tuple[str, str], str] = {}
        for name in sorted(names):
            self._add(name)

    def of(self, name: str, stream: Stream) -> str:
        """What stands before a line of that process; the end of the name and the bar are in one column."""
        made = self._made.get((name, stream))
        if made is None:
            if name not in self._colours:
                self._add(name)
            made = self._made[name, stream] = self._make(name, stream)
        return made

    def _add(self, name: str) -> None:
        free = [colour for colour in _COLOURS if colour not in self._colours.values()] or list(_COLOURS)
        colour = _COLOURS[_number(name) % len(_COLOURS)]
        self._colours[name] = colour if colour in free else free[_number(name) % len(free)]
        width = min(text_width(one_line(name)), _WIDEST)
        if width > self._width:
            self._width = width
            self._made.clear()

    def _make(self, name: str, stream: Stream) -> str:
        shown = one_line(name)
        shown += " " * (self._width - text_width(shown))
        if not self._coloured:
            return f"{shown} | "
        bar = paint("|", "red" if stream == "stderr" else "dim")
        return f"{paint(shown, self._colours[name])} {bar} "


def _number(name: str) -> int:
    # hash() is another one in each process.
    from binascii import crc32

    return crc32(name.encode("utf-8", "surrogateescape"))
