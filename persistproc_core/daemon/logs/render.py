"""Lines by their offsets to lines of a reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ..clock import rfc3339
from .characters import skip_continuation
from .screen import MARKER, drawn_before, split_screens, switches
from .segments import Piece
from .selection import Line
from .snapshot import Snapshot
from .text import clean_text, is_clean, raw_line, shortened, unfinished

if TYPE_CHECKING:
    from ...protocol import Format, OutputLine, Stream

__all__ = ["LONGEST", "Renderer", "Shown", "Style"]

LONGEST = 4096
"""Bytes of a line in an answer of the usual size; the middle of a longer one is cut out."""

_END = 32 * 1024


class Style(NamedTuple):
    """How lines are shown."""

    format: Format = "plain"
    timestamps: bool = False
    fold: bool = False
    """Identical neighbours become one line."""
    run: int | None = None
    """The number of the run, when each line is to tell it."""


class Shown(NamedTuple):
    """What a line has become: nothing when it was drawn by a full-screen program, and more than one line around it."""

    lines: list[OutputLine]
    size: int
    """Bytes of text."""
    held: int = 0
    """Bytes at its end that are not in it: what they begin is not there yet."""
    lossy: bool = False


class _One(NamedTuple):
    line: OutputLine
    size: int
    lossy: bool = False


class _Part(NamedTuple):
    """What is read of a line: all of it, or its two ends."""

    data: bytes
    missing: int
    """How many bytes lie between the two ends."""
    tail: bytes


class Renderer:
    """Renders lines of one log in one direction."""

    def __init__(self, log: Snapshot, style: Style, longest: int, *, ended: bool) -> None:
        self._log = log
        self._style = style
        self._longest = longest
        self._ended = ended
        self._drawn: dict[Stream, bool] = {}
        self.unmarked = False
        """True when something drawn by a full-screen program was left out, and no line tells of it yet."""

    def after(self, line: Line) -> Shown:
        """Render the line after the one before."""
        return self._simple(line) or self._rendered(line, self._drawn_after)

    def before(self, line: Line) -> Shown:
        """Render the line before the one before: backwards."""
        return self._simple(line) or self._rendered(line, self._drawn_before)

    def _simple(self, line: Line) -> Shown | None:
        """What is asked for raw; else what most lines are: short text without any control character."""
        if self._style.format == "raw":
            return self._raw(line)
        size = line.end - line.begin
        if size > self._longest or self._drawn.get(line.stream, True):
            return None
        data = self._log.streams[line.stream].read(line.begin, line.end)
        try:
            text = data[:-1].decode()
        except UnicodeDecodeError:
            return None
        if data[-1:] != b"\n" or not is_clean(text):
            return None
        return Shown([self._completed(line, {"stream": line.stream, "text": text})], size)

    def _raw(self, line: Line) -> Shown:
        data = self._log.streams[line.stream].read(line.begin, min(line.end, line.begin + self._longest))
        shown = self._completed(line, raw_line(Piece(line.stream, data)))
        cut = line.end - line.begin - len(data)
        if cut:
            shown["cut_bytes"] = cut
        if not data.endswith(b"\n"):
            shown["partial"] = True
        return Shown([shown], len(data))

    def _rendered(self, line: Line, drawn: Callable[[Line, _Part, list[bool]], bool]) -> Shown:
        part = self._read(line)
        found = switches(part.data) + switches(part.tail)
        return self._render(line, *part, drawn(line, part, found), bool(found))

    def _drawn_after(self, line: Line, part: _Part, found: list[bool]) -> bool:
        """Whether a full-screen program drew the beginning of the line; remembers whether one drew its end."""
        stream = line.stream
        inside = self._drawn.get(stream)
        if inside is None:
            inside = drawn_before(self._log.streams[stream], line.begin, part.data)
        self._drawn[stream] = found[-1] if found else inside
        return inside or bool(found and not found[0])

    def _drawn_before(self, line: Line, part: _Part, found: list[bool]) -> bool:
        """The same; remembers whether one drew its beginning."""
        stream = line.stream
        if stream not in self._drawn:
            self._drawn[stream] = drawn_before(self._log.streams[stream], line.end, part.tail or part.data)
        if found:
            # A program may well enter what another one has entered before.
            self._drawn[stream] = not found[0] or drawn_before(self._log.streams[stream], line.begin, part.data)
        return self._drawn[stream]

    def _read(self, line: Line) -> _Part:
        source = self._log.streams[line.stream]
        if line.end - line.begin <= 2 * _END:
            return _Part(source.read(line.begin, line.end), 0, b"")
        head = source.read(line.begin, line.begin + _END)
        head = head[: len(head) - unfinished(head)]
        tail = source.read(line.end - _END, line.end)
        tail = tail[skip_continuation(tail) :]
        missing = line.end - line.begin - len(head) - len(tail)
        if b"\r" in tail.rstrip(b"\r\n"):
            # Of progress only the last state counts, and that is here.
            return _Part(tail, 0, b"")
        return _Part(head, missing, tail)

    def _render(self, line: Line, data: bytes, missing: int, tail: bytes, inside: bool, switched: bool) -> Shown:
        last = tail or data
        partial = not last.endswith(b"\n")
        held = unfinished(last) if partial and not self._ended and line.end >= self._log.end.of(line.stream) else 0
        if inside:
            self.unmarked = True
            if not switched:
                return Shown([], 0, held)
        shorter = len(last) - (held if partial else 1)
        data, tail = (data, tail[:shorter]) if tail else (data[:shorter], b"")
        text = self._text(line, data, missing, tail) if not switched else None
        ones = [text] if text else self._around_screens(line, data, tail, inside)
        shown = Shown([one.line for one in ones], sum(one.size for one in ones), held, any(one.lossy for one in ones))
        if partial and shown.lines:
            if not shown.lines[-1].get("text"):
                return Shown([], 0, held)
            shown.lines[-1]["partial"] = True
        return shown

    def _around_screens(self, line: Line, data: bytes, tail: bytes, inside: bool) -> list[_One]:
        lines = []
        for part in (data, tail):
            found = switches(part)
            if part is tail and found:
                # What lies between the two ends was not looked at.
                inside = not found[0]
            for text in split_screens(part, inside):
                if text is None:
                    self.unmarked = False
                    lines.append(_One(self._completed(line, {"stream": line.stream, "text": MARKER}), len(MARKER) + 1))
                elif text:
                    lines.append(self._text(line, text, 0, b""))
            inside = found[-1] if found else inside
        return [each for each in lines if each.line.get("text")]

    def _text(self, line: Line, data: bytes, missing: int, tail: bytes) -> _One:
        colours = self._style.format == "ansi"
        text, lossy = clean_text(data, colours=colours)
        end, end_lossy = clean_text(tail, colours=colours) if missing else ("", False)
        text, cut = shortened(text, self._longest, missing, end)
        shown = self._completed(line, {"stream": line.stream, "text": text})
        if cut:
            shown["cut_bytes"] = cut
        if b"\r" in data.rstrip(b"\r\n") and self._continues(line):
            shown["overwrites"] = True
        size = len(text) if text.isascii() else len(text.encode())
        return _One(shown, size + 1, lossy or end_lossy)

    def _continues(self, line: Line) -> bool:
        """Whether the line began before what is shown of it."""
        return line.begin > 0 and self._log.streams[line.stream].read(line.begin - 1, line.begin) not in (b"", b"\n")

    def _completed(self, line: Line, shown: OutputLine) -> OutputLine:
        shown["partial"] = False
        style = self._style
        if style.timestamps:
            time_ns = self._log.time_ns(line.stream, line.end)
            if time_ns is not None:
                shown["time"] = rfc3339(time_ns)
        if style.run is not None:
            shown["run"] = style.run
        if line.context:
            shown["context"] = True
        return shown
