"""Names, commands, directories and reasons of others, made safe to show on a line of ours.

Unlike a stream's text (`sanitize`) nothing is removed: what acts on a terminal or hides is shown as an escape, so that
two names that look the same are the same. Without ``re``, which takes longer to load than a list takes to draw.
"""

from __future__ import annotations

import os

__all__ = ["one_line", "short_directory"]

_NAMED = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LINES = frozenset("\u2028\u2029")


def one_line(text: str) -> str:
    """The text on one line, every control, bidi control and undecodable byte as a visible escape."""
    return text if text.isprintable() else "".join(map(_shown, text))


def short_directory(path: str) -> str:
    """The path with ``~`` for the home directory."""
    home = os.environ.get("HOME", "").rstrip("/")
    return f"~{path[len(home) :]}" if home and (path == home or path.startswith(home + "/")) else path


def _shown(char: str) -> str:
    number = ord(char)
    if 0x20 <= number < 0x7F or char.isprintable():
        return char
    if number < 0x20 or 0x7F <= number < 0xA0:
        return _NAMED.get(char) or f"\\x{number:02x}"
    if 0xDC80 <= number <= 0xDCFF:  # a byte that was not UTF-8 (PEP 383)
        return f"\\x{number - 0xDC00:02x}"
    if char in _BIDI or char in _LINES or 0xD800 <= number <= 0xDFFF:
        return f"\\u{number:04x}"
    return char
