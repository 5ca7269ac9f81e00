"""Output for people and agents: a line's bytes to text that is safe to print."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from .characters import half_character, skip_continuation
from .segments import Piece

if TYPE_CHECKING:
    from ...protocol import OutputLine

__all__ = ["Text", "clean_text", "is_clean", "plain_text", "raw_line", "raw_lines", "shortened", "unfinished"]

# ECMA-48: CSI sequences (5.4), command and device strings (5.6, ended by ST, or BEL as xterm has it), and the two- and
# three-character escape sequences (ECMA-35, 13.2). The 8-bit forms are those that terminals accept in UTF-8, too.
_ANY = (
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    # A string holds no other control function; if it did, a line of beginnings would be searched from each to its end.
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x80-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x80-\x9f]*(?:\x1b\\|\x9c)"
    r"|\x1b[ -/]+[0-~]"
    r"|\x1b[0-~]"
)
# Colours and such (SGR, ECMA-48 8.3.117), in the form that nothing but a terminal takes for text.
_COLOUR = r"\x1b\[[0-9;:]{0,100}m"
_SEQUENCES = re.compile(_ANY)
_BUT_COLOURS = re.compile(f"({_COLOUR})|{_ANY}")
_COLOURS = re.compile(_COLOUR)
_COLOURS_OR_CHARACTERS = re.compile(f"{_COLOUR}|.", re.DOTALL)
# C0 but tab, DEL, C1, and the characters that change the direction of the text around them (Unicode, UAX #9).
_FORBIDDEN = "\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_CONTROLS = re.compile(f"[\x1b{_FORBIDDEN}]")
_CONTROLS_BUT_COLOURS = re.compile(f"[{_FORBIDDEN}]|\x1b(?!\\[[0-9;:]{{0,100}}m)")
_TO_FIRST_COLUMN = re.compile(r"(?:\x1b\[|\x9b)[01]?G")
_UNFINISHED = re.compile(rb"(?:\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b\n]*\x1b?|[PX^_][^\x1b\n]*\x1b?|[ -/]*)|\r)\Z")
_MOST_HELD = 1024
_MOST_COLOURS = 8


class Text(NamedTuple):
    """A line as text."""

    text: str
    lossy: bool
    """True when bytes that are not UTF-8 were replaced by U+FFFD."""


def unfinished(data: bytes) -> int:
    """How many bytes at the end begin something (a control sequence, a line ending, a character) that goes on."""
    match = _UNFINISHED.search(data, max(0, len(data) - _MOST_HELD))
    return len(data) - match.start() if match else half_character(data)


def is_clean(text: str) -> bool:
    """True when a text is safe to print as it is."""
    return text.isprintable() or not _CONTROLS.search(text)


def plain_text(line: bytes) -> tuple[str, bool]:
    """One line as text that is safe to print, and whether something in it was no UTF-8."""
    return clean_text(line)


def clean_text(line: bytes, *, colours: bool = False) -> Text:
    """One line without control sequences, or with no others than those of colours.

    Of what was overwritten (with a carriage return, with backspaces) the last state is kept.
    """
    lossy = False
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        text = line.decode("utf-8", "replace")
        lossy = True
    if not is_clean(text):
        text = _TO_FIRST_COLUMN.sub("\r", text)
        text = _coloured(text) if colours else _without_controls(text)
    return Text(text, lossy)


def _without_controls(text: str) -> str:
    text = _SEQUENCES.sub("", text)
    if "\r" in text:
        text = next((part for part in reversed(text.split("\r")) if part), "")
    if "\b" in text:
        text = _overstruck(text)
    return _CONTROLS.sub("", text)


def _overstruck(parts: Iterable[str]) -> str:
    """A backspace goes back over the character that the next one replaces: spinners, underlined manual pages."""
    # Colours stay: each belongs to the character after it, and goes on to the next one when that is replaced.
    kept: list[tuple[list[str], str]] = []
    colours: list[str] = []
    for part in parts:
        if len(part) > 1:
            colours.append(part)
        elif part != "\b":
            kept.append((colours, part))
            colours = []
        elif kept:
            before = kept.pop()[0]
            before += colours
            colours = before
    return "".join(["".join([*before, char]) for before, char in kept] + colours)


def _coloured(text: str) -> str:
    text = _BUT_COLOURS.sub(r"\1", text)
    if "\r" in text:
        text = _last_state(text.split("\r"))
    if "\b" in text:
        text = _overstruck(match[0] for match in _COLOURS_OR_CHARACTERS.finditer(text))
    return _CONTROLS_BUT_COLOURS.sub("", text)


def _last_state(states: list[str]) -> str:
    shown = len(states) - 1
    while shown > 0 and not _COLOURS.sub("", states[shown]):
        shown -= 1
    # The colours of what was overwritten are still those of what came after it.
    before = _COLOURS.findall("".join(states[:shown]))[-_MOST_COLOURS:]
    after = _COLOURS.findall("".join(states[shown + 1 :]))[-_MOST_COLOURS:]
    return "".join([*before, states[shown], *after])


def shortened(text: str, most: int, missing: int = 0, tail: str = "") -> tuple[str, int]:
    """A text of at most ``most`` bytes of UTF-8 and how many are left out: its middle gives way to a short note.

    ``missing`` bytes are left out already, between ``text`` and ``tail``.
    """
    if not missing and (len(text) * 4 <= most or len(text.encode()) <= most):
        return text, 0
    head = text.encode()
    end = tail.encode() if missing else head
    room = most - len(_note(missing + len(head) + len(end)).encode())
    if room < 2:
        text = _without_half_colour(head[:most]).decode()
        return text, missing + len(head) - len(text.encode()) + (len(end) if missing else 0)
    first = _without_half_colour(head[: (room + 1) // 2])
    last = end[max(0, len(end) - room // 2) :]
    last = last[skip_continuation(last) :]
    cut = missing + len(head) - len(first) + (len(end) if missing else 0) - len(last)
    return first.decode() + _note(cut) + last.decode(), cut


def _without_half_colour(data: bytes) -> bytes:
    data = data[: len(data) - half_character(data)]
    escape = data.rfind(b"\x1b", max(0, len(data) - 104))
    return data[:escape] if escape >= 0 and b"m" not in data[escape:] else data


def _note(count: int) -> str:
    return f"…[{count:,} bytes cut]…"


def raw_lines(pieces: Iterable[Piece]) -> list[OutputLine]:
    """Each piece as it was written: as text where it is UTF-8, else in base64."""
    return [raw_line(piece) for piece in pieces]


def raw_line(piece: Piece) -> OutputLine:
    """The same for one piece."""
    try:
        return {"stream": piece.stream, "text": piece.data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"stream": piece.stream, "base64": base64.b64encode(piece.data).decode("ascii")}
