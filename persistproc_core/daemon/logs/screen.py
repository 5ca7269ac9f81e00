"""Full-screen programs in a log: what vim or top draws between switching to the alternate screen and back is no text.

The switches are the private modes 1049, 1047 and 47 (xterm, ctlseqs: DECSET, DECRST).
"""

from __future__ import annotations

import re

from .segments import StreamBytes

__all__ = ["MARKER", "drawn_before", "split_screens", "switches"]

MARKER = "[full-screen program]"

_CHUNK = 64 * 1024
_NEAR = 64 * 1024
_FAR = 8 * 1024 * 1024
_LONGEST = 64
_SWITCH = re.compile(rb"\x1b\[\?(?:[0-9]{1,5};){0,8}(?:1049|1047|47)(?:;[0-9]{1,5}){0,8}([hl])")
# Whoever places the cursor by row and column draws a screen.
_DRAWS = re.compile(rb"\x1b\[[0-9]{1,4};[0-9]{1,4}[Hf]|\x1b\[[0-9]{1,4}d")


def switches(data: bytes) -> list[bool]:
    """For each switch: True when it enters the alternate screen, False when it leaves it."""
    return [match[1] == b"h" for match in _SWITCH.finditer(data)] if b"\x1b[?" in data else []


def split_screens(data: bytes, inside: bool) -> list[bytes | None]:
    """The text outside of full-screen programs, and None for each of them that begins here."""
    parts: list[bytes | None] = []
    begin = 0
    for match in _SWITCH.finditer(data):
        enters = match[1] == b"h"
        if not inside:
            parts.append(data[begin : match.start()])
        if enters and not inside:
            parts.append(None)
        inside = enters
        begin = match.end()
    if not inside:
        parts.append(data[begin:])
    return parts


def drawn_before(source: StreamBytes, place: int, near: bytes) -> bool:
    """True when a full-screen program had the screen at a place; ``near`` is what stands beside it.

    Only so much before and behind the place is searched as costs a moment: where nothing is found, nobody had it.
    """
    far = _FAR if _DRAWS.search(near) else _NEAR
    behind = b""
    for extent in source.backward(max(0, place - far), place, _CHUNK):
        enters = _last_switch(extent.data + behind)
        if enters is not None:
            return enters
        behind = extent.data[:_LONGEST]
    # Who leaves it must have entered it, in what is no longer kept.
    match = _SWITCH.search(source.read(place, place + _NEAR))
    return match is not None and match[1] == b"l"


def _last_switch(data: bytes) -> bool | None:
    # From the end: a page may ask at every line, and a program may switch at every line.
    at = len(data)
    while (at := data.rfind(b"\x1b[?", 0, at)) >= 0:
        match = _SWITCH.match(data, at)
        if match:
            return match[1] == b"h"
    return None
