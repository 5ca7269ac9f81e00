"""Output for people and agents: bytes to lines of plain text, or to pieces as they were written."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from .characters import half_character
from .segments import Offsets, Piece

if TYPE_CHECKING:
    from ...protocol import OutputLine, Stream

__all__ = ["PlainText", "plain_lines", "plain_text", "raw_lines"]


class PlainText(NamedTuple):
    """Lines, and what was left of the pieces."""

    lines: list[OutputLine]
    lossy: bool
    """True when bytes that are not UTF-8 were replaced by U+FFFD."""
    held: Offsets
    """Bytes at the end of each stream that begin something (a control sequence, a line ending, a character) whose
    rest is not there: they are in no line, and the next read should begin with them."""


# ECMA-48: CSI sequences (5.4), command and device strings (5.6, ended by ST, or BEL as xterm has it), and the two- and
# three-character escape sequences (ECMA-35, 13.2). The 8-bit forms are those that terminals accept in UTF-8, too.
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)"
    r"|\x1b[ -/]+[0-~]"
    r"|\x1b[0-~]"
)
# C0 but tab, DEL, C1, and the characters that change the direction of the text around them (Unicode, UAX #9).
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_TO_FIRST_COLUMN = re.compile(r"(?:\x1b\[|\x9b)[01]?G")
_UNFINISHED = re.compile(rb"(?:\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b\n]*\x1b?|[PX^_][^\x1b\n]*\x1b?|[ -/]*)|\r)\Z")
_MOST_HELD = 1024


def plain_lines(pieces: Iterable[Piece], *, final: bool = False) -> PlainText:
    r"""Whole lines in the order of their endings, then what has no ending yet, marked as partial.

    A line that is written while the other stream prints stays one line. ``\r\n`` ends a line as ``\n`` does; of a line
    that was overwritten with ``\r`` (progress) the last state is kept; control sequences are removed.

    ``final=True``: nothing more will come, so nothing is held back.
    """
    lines: list[OutputLine] = []
    open_lines: dict[Stream, bytes] = {}
    lossy = False
    for stream, data in pieces:
        *whole, rest = (open_lines.pop(stream, b"") + data).split(b"\n")
        for line in whole:
            text, line_lossy = plain_text(line)
            lossy |= line_lossy
            lines.append({"stream": stream, "text": text, "partial": False})
        if rest:
            open_lines[stream] = rest
    held: dict[Stream, int] = {"stdout": 0, "stderr": 0}
    for stream, rest in open_lines.items():
        held[stream] = 0 if final else _unfinished(rest)
        shown = rest[: len(rest) - held[stream]]
        text, line_lossy = plain_text(shown)
        lossy |= line_lossy
        if text:
            lines.append({"stream": stream, "text": text, "partial": True})
    return PlainText(lines, lossy, Offsets(held["stdout"], held["stderr"]))


def _unfinished(data: bytes) -> int:
    match = _UNFINISHED.search(data, max(0, len(data) - _MOST_HELD))
    return len(data) - match.start() if match else half_character(data)


def plain_text(line: bytes) -> tuple[str, bool]:
    """One line as text that is safe to print, and whether something in it was no UTF-8."""
    lossy = False
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        text = line.decode("utf-8", "replace")
        lossy = True
    if _CONTROLS.search(text):
        text = _without_controls(text)
    return text, lossy


def _without_controls(text: str) -> str:
    text = _SEQUENCES.sub("", _TO_FIRST_COLUMN.sub("\r", text))
    if "\r" in text:
        text = next((part for part in reversed(text.split("\r")) if part), "")
    if "\b" in text:
        text = _overstruck(text)
    return _CONTROLS.sub("", text)


def _overstruck(text: str) -> str:
    # A backspace goes back over the character that the next one replaces: spinners, underlined manual pages.
    kept: list[str] = []
    for char in text:
        if char != "\b":
            kept.append(char)
        elif kept:
            kept.pop()
    return "".join(kept)


def raw_lines(pieces: Iterable[Piece]) -> list[OutputLine]:
    """Each piece as it was written: as text where it is UTF-8, else in base64."""
    return [_raw_line(piece) for piece in pieces]


def _raw_line(piece: Piece) -> OutputLine:
    try:
        return {"stream": piece.stream, "text": piece.data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"stream": piece.stream, "base64": base64.b64encode(piece.data).decode("ascii")}
