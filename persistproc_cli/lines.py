"""Lines of one process or several, to standard output: prefix, time, text; or as JSON."""

from __future__ import annotations

import sys
import time

from .output import note, print_document
from .terminal import colours, is_terminal, write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import OutputLine, OutputReply

    from .prefixes import Prefixes
    from .sources import Source

__all__ = ["JsonLines", "LineSink", "safe_line"]

_FULL = 32 * 1024
_RESET = "\x1b[0m"
_TELL_SECONDS = 5.0


def safe_line(text: str, *, colour: bool) -> str:
    """One line's text as it may stand on a terminal beside others: text, and colour that ends with the line."""
    if text.isprintable():
        return text
    from .sanitize import Sanitizer

    sanitizer = Sanitizer(colour=colour)
    text = sanitizer.feed(text) + sanitizer.close()
    if "\r" in text:
        # It would go back over the prefix; what a progress display showed last is what counts.
        text = text.rstrip("\r").rpartition("\r")[2]
    text = text.replace("\n", " ")
    return text + _RESET if "\x1b" in text and not text.endswith((_RESET, "\x1b[m")) else text


class _Missed:
    """What was gone before it could be shown. Who reads slower than a program writes misses something all the time;
    once in a while says it as well."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._tell_again = 0.0

    def add(self, name: str, count: int) -> bool:
        """Some more; True when it is time to tell."""
        self._counts[name] = self._counts.get(name, 0) + count
        return time.monotonic() >= self._tell_again

    def tell(self) -> None:
        """Tell what has not been told yet."""
        from .words import counted

        for name, count in self._counts.items():
            note(f"{name}: {counted(count, 'byte')} of older output {'is' if count == 1 else 'are'} no longer kept")
        self._counts.clear()
        self._tell_again = time.monotonic() + _TELL_SECONDS


class LineSink:
    """Shows whole lines, and the beginnings of lines that are not whole yet (``partial``).

    What is shown is written at `flush`, or when much has come together.
    """

    def __init__(self, *, prefixes: Prefixes | None, timestamps: bool) -> None:
        sys.stdout.flush()
        self.colour = colours(sys.stdout)
        self._prefixes = prefixes
        self._timestamps = timestamps
        self._encoding = sys.stdout.encoding or "utf-8"
        self._open: tuple[str, str] | None = None
        self._waiting: list[str] = []
        self._size = 0
        self._missed = _Missed()
        self._cut = 0

    def line(self, source: Source | None, line: OutputLine) -> None:
        """Show a line of the process; one that goes on a line left open stands behind it."""
        name = source.name if source is not None else ""
        partial = line.get("partial", False)
        text = safe_line(line.get("text", ""), colour=self.colour)
        goes_on = self._open == (name, line["stream"])
        head = self._head(name, line)
        self._write(("" if goes_on else "\n" + head if self._open else head) + text + ("" if partial else "\n"))
        for _ in range(line.get("repeated", 1) - 1):
            self._write(f"{head}{text}\n")
        self._open = (name, line["stream"]) if partial else None
        self._cut += "cut_bytes" in line

    def show(self, reply: OutputReply) -> None:
        """Show the lines of a reply about the only process."""
        for line in reply["lines"]:
            self.line(None, line)
        if reply["missed_bytes"]:
            self.missed(reply["name"], reply["missed_bytes"])
        self.flush()

    @property
    def within_line(self) -> bool:
        """True when the last line has no end yet."""
        return self._open is not None

    def _head(self, name: str, line: OutputLine) -> str:
        prefix = self._prefixes.of(name, line["stream"]) if self._prefixes else ""
        return f"{prefix}{line.get('time', '-'):<24} " if self._timestamps else prefix

    def _write(self, text: str) -> None:
        self._waiting.append(text)
        self._size += len(text)
        if self._size >= _FULL:
            self.flush()

    def flush(self) -> None:
        """Write what has come together. Raises BrokenPipeError when nobody reads any more."""
        if self._waiting:
            data = "".join(self._waiting).encode(self._encoding, "backslashreplace")
            self._waiting, self._size = [], 0
            write_all(1, data)

    def end_line(self) -> None:
        """Write all, and go to a new line when the last one is not whole: something else follows."""
        self.flush()
        if self._open and is_terminal(sys.stdout):
            write_all(1, b"\n")
            self._open = None

    def note(self, text: str) -> None:
        """Say something of ours, between the lines."""
        self.end_line()
        note(text)

    def missed(self, name: str, count: int) -> None:
        """Some of what was asked for is gone."""
        if self._missed.add(name, count):
            self.end_line()
            self._missed.tell()

    def close(self) -> None:
        """Nothing more comes."""
        self.end_line()
        self._missed.tell()
        if self._cut:
            from .words import counted

            note(f"{counted(self._cut, 'long line')} shown without the middle; whole with: persistproc logs --raw NAME")


class JsonLines:
    """Shows each line as a JSON document on one line, with the process that it is of."""

    def __init__(self) -> None:
        self._missed = _Missed()

    def line(self, source: Source, line: OutputLine) -> None:
        """Print the line."""
        text = safe_line(line.get("text", ""), colour=False)
        print_document({"name": source.process["name"], "project": source.process["project"], **line, "text": text})

    def flush(self) -> None:
        """Each line is written at once."""

    def end_line(self) -> None:
        """Each line is whole."""

    def note(self, text: str) -> None:
        """Say something of ours, on standard error."""
        note(text)

    def missed(self, name: str, count: int) -> None:
        """Some of what was asked for is gone."""
        if self._missed.add(name, count):
            self._missed.tell()

    def close(self) -> None:
        """Nothing more comes."""
        self._missed.tell()
