"""The three standard streams: what they are, writing to them, colour, and one key from the keyboard."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import TextIOWrapper
    from types import TracebackType
    from typing import TextIO

    from typing_extensions import Self

__all__ = [
    "Keyboard",
    "can_ask",
    "colours",
    "is_terminal",
    "paint",
    "prepare_streams",
    "text_width",
    "width",
    "write_all",
]

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36", "dim": "2"}
_COLOURS |= {"bold": "1", "bright green": "92", "bright yellow": "93", "bright blue": "94", "bright magenta": "95"}
_COLOURS |= {"bright cyan": "96"}


def prepare_streams() -> None:
    """Make printing of any text safe.

    Under ``LC_ALL=C`` or with a name that is not UTF-8, a plain print raises UnicodeEncodeError in the middle of a
    table. A caller may also have closed a stream (``>&-``): Python then has None there.
    """
    if sys.stdout is None:
        sys.stdout = _nowhere()
    if sys.stderr is None:
        sys.stderr = _nowhere()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _nowhere() -> TextIOWrapper:
    return open(os.devnull, "w", encoding="utf-8")


def is_terminal(stream: TextIO | None) -> bool:
    """True when the stream is a terminal (and not None or closed)."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def can_ask() -> bool:
    """True when there is a keyboard to answer on and a screen to ask on."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def colours(stream: TextIO | None) -> bool:
    """True when colour is welcome: a terminal that is not dumb, and no ``NO_COLOR`` (no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def paint(text: str, colour: str) -> str:
    """The text in a colour, or as it is when the colour is empty."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if colour else text


def text_width(text: str) -> int:
    """How many columns the text takes on a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def width() -> int:
    """Columns of the terminal on standard output; 80 where nobody knows."""
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything; raises BrokenPipeError when the reader has gone.

    A write may be partial, and a program that shares our terminal (node) may have made it non-blocking.
    """
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            import select

            select.select([], [descriptor], [])


class Keyboard:
    """The keyboard of the terminal on standard input, key by key: no Enter needed, nothing shown, put back at the end.

    Keys that were pressed before are dropped, for they answer no question that was not there. Signals still arrive.
    """

    def __enter__(self) -> Self:
        import termios
        import tty

        self._descriptor = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._descriptor)
        tty.setcbreak(self._descriptor, termios.TCSAFLUSH)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import termios

        try:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)
        except termios.error:
            pass  # the terminal has gone

    def fileno(self) -> int:
        """For `select`."""
        return self._descriptor

    def read(self) -> str:
        """One key; empty at the end of input."""
        return os.read(self._descriptor, 1).decode("ascii", "replace")
