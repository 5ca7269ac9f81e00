"""Blocks of lines as the plain text that people see of them, line for line."""

from __future__ import annotations

import re
from typing import Final

from .text import plain_text

__all__ = ["cleaned", "has_controls"]

# What plain_text removes or obeys. Each byte is looked for by itself: that is memchr(3), which is fifty times as fast
# as any table or character class, so that thirty of them cost less than one of those.
_CONTROL_BYTES: Final = tuple(
    bytes([byte]) for byte in (0x1B, 0x0D, 0x08, *range(0x08), 0x0B, 0x0C, *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F)
)
_CONTROL_CHARACTERS: Final = tuple(
    re.compile(pattern)
    for pattern in (rb"\xc2[\x80-\x9f]", rb"\xd8\x9c", rb"\xe2(?:\x80[\x8e\x8f\xaa-\xae]|\x81[\xa6-\xa9])")
)
# Select graphic rendition (ECMA-48, 8.3.117): colours, the only sequences in most logs.
_COLOUR: Final = re.compile(rb"\x1b\[[0-9;:]*m")


def has_controls(data: bytes) -> bool:
    """True when `plain_text` would do more than decode."""
    for byte in _CONTROL_BYTES:
        if byte in data:
            return True
    return not data.isascii() and any(pattern.search(data) for pattern in _CONTROL_CHARACTERS)


def cleaned(data: bytes) -> str:
    """The lines as plain text: as many as there were, each what `plain_text` makes of it."""
    if not has_controls(data):
        return data.decode("utf-8", "replace")
    simple = _COLOUR.sub(b"", data).replace(b"\r\n", b"\n")
    # A character that a colour cut in two is no character; without the colour it would be one.
    if not has_controls(simple) and (data.isascii() or _is_utf8(data)):
        return simple.decode("utf-8", "replace")
    return "\n".join([plain_text(line)[0] for line in data.split(b"\n")])


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
