"""Text of other programs, made safe for a terminal.

A child's output, and its name, command or directory, may hold sequences that write the clipboard, move the cursor,
fake a prompt or turn the text around. What is kept of them is colour (SGR, ECMA-48 section 8.3.117) and nothing else.

This is for streams: sequences are removed, also when they are cut anywhere between two pieces. For names and the like
there is `oneline.one_line`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Match

__all__ = ["Sanitizer", "sanitize"]

# What ends an OSC, DCS, SOS, PM or APC string. A newline is no terminator by the standard, but without it one stray
# "ESC ]" in a log would swallow everything after it.
_STRING_BODY = "[^\x07\x18\x1a\x1b\x9c\n]*"
_STRING_END = "[\x07\x9c]?"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"

_STRING_ENDINGS = ("\x07", "\x9c")


class _Patterns:
    """What is looked for. Made when there is something to look for: most output is plain text, and ``re`` takes longer
    to load than a whole ``persistproc logs``."""

    def __init__(self) -> None:
        import re

        self.string_rest = re.compile(f"{_STRING_BODY}{_STRING_END}")
        self.unsafe = re.compile(
            "(?P<colour>\x1b\\[[0-9;:]{0,64}m)"
            "|(?:\x1b\\[|\x9b)[\x20-\x3f]{0,64}[\x40-\x7e]"
            f"|(?P<string>(?:\x1b[\\]PX^_]|[\x90\x98\x9d-\x9f]){_STRING_BODY}{_STRING_END})"
            "|\x1b[\x20-\x2f]{0,8}[\x30-\x7e]"
            f"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_BIDI}]"
        )
        # A sequence that the next piece may complete.
        self.cut = re.compile("(?:\x1b(?:\\[[\x20-\x3f]{0,64}|[\x20-\x2f]{0,8})|\x9b[\x20-\x3f]{0,64})\\Z")


_made: list[_Patterns] = []


def _patterns() -> _Patterns:
    if not _made:
        _made.append(_Patterns())
    return _made[0]


class Sanitizer:
    """Makes a stream of text safe for a terminal; cutting the text differently never changes the result.

    Kept are text, tab, newline, carriage return and, unless ``colour`` is false, colour.
    """

    def __init__(self, *, colour: bool = True) -> None:
        self._colour = colour
        self._pending = ""
        self._in_string = False

    def feed(self, text: str) -> str:
        """The safe part of what is known so far; a sequence that is cut at the end waits for the next piece."""
        if not self._pending and not self._in_string and text.replace("\n", "").replace("\t", "").isprintable():
            return text
        text = self._pending + text
        self._pending = ""
        start = 0
        if self._in_string:
            start = self._skip_string(text)
        cut = _patterns().cut.search(text, max(start, len(text) - 80))
        if cut is not None and cut.start() >= start:
            self._pending = text[cut.start() :]
            text = text[: cut.start()]
        return _patterns().unsafe.sub(self._replace, text[start:])

    def close(self) -> str:
        """The end of the stream: what was still waiting for its end."""
        start = self._skip_string(self._pending) if self._in_string and self._pending else 0
        safe = self._pending and _patterns().unsafe.sub(self._replace, self._pending[start:])
        self._pending, self._in_string = "", False
        return safe

    def _skip_string(self, text: str) -> int:
        rest = _patterns().string_rest.match(text)
        end = rest.end() if rest is not None else 0
        self._in_string = end == len(text) and not text.endswith(_STRING_ENDINGS)
        return end

    def _replace(self, match: Match[str]) -> str:
        if match["colour"] is not None:
            return match["colour"] if self._colour else ""
        if match["string"] is not None and match.end() == len(match.string):
            self._in_string = not match["string"].endswith(_STRING_ENDINGS)
        return ""


def sanitize(text: str) -> str:
    """The whole text, safe for a terminal: colour, tab, newline and carriage return stay, all else that acts goes."""
    sanitizer = Sanitizer()
    return sanitizer.feed(text) + sanitizer.close()
