"""What a program has set on its terminal, told from the bytes that it wrote.

Whoever comes later needs it set on his own terminal, and everybody must undo it when he leaves. The sequences are
those of ECMA-48 and of "XTerm Control Sequences" (invisible-island.net/xterm/ctlseqs).
"""

from __future__ import annotations

import re

__all__ = ["Modes", "moves_about"]

_AUTOWRAP, _CURSOR = 7, 25
_ALTERNATE = (47, 1047, 1049)
# Cursor keys, origin, blinking, mouse (9 and 1000 to 1016), focus, bracketed paste, synchronized output, theme reports.
_SWITCHES = (1, 5, 6, 9, 12, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 2004, 2026, 2031)
_DEFAULTS = {_AUTOWRAP: True, _CURSOR: True, **dict.fromkeys((*_ALTERNATE, *_SWITCHES), False)}

_SEQUENCE = re.compile(
    rb"\x1b(?:"
    rb"\[\?(?P<switches>[0-9;]{1,64})(?P<set>[hl])"
    rb"|(?P<simple>[=>c]|\[!p|\[4[hl])"
    rb"|\((?P<charset>[0-9A-Z])"
    rb"|\[(?P<margins>[0-9;]{0,16})r"
    rb"|\[(?P<shape>[0-9]?) q"
    rb"|\[>4(?P<keys>;[0-9]{0,2})?m"
    rb"|\[(?P<kitty>[<>][0-9]{0,4})u"
    rb")"
)
_CUT = re.compile(rb"\x1b(?:\[[?><!]?[0-9;]{0,64} ?|\()?\Z")
_LONGEST = 80
_MOST_PUSHED = 15
_MOVES = re.compile(rb"\x1b\[[0-9;]{0,16}[Hf]")


class Modes:
    """The state of a terminal, as far as it outlives the program that set it."""

    def __init__(self) -> None:
        self._cut = b""
        self._reset()

    def _reset(self) -> None:
        self._switches: dict[int, bool] = {}
        self._keypad = False
        self._insert = False
        self._charset = b"B"
        self._margins = b""
        self._shape = b""
        self._keys = b""
        self._kitty: list[bytes] = []

    @property
    def full_screen(self) -> bool:
        """True while the alternate screen is shown."""
        return any(self._is_set(number) for number in _ALTERNATE)

    def feed(self, data: bytes) -> bool:
        """Note what a piece of output sets; true when something did. A sequence may be cut anywhere between two."""
        if self._cut:
            data, self._cut = self._cut + data, b""
        elif b"\x1b" not in data:
            return False
        cut = _CUT.search(data, max(0, len(data) - _LONGEST))
        if cut is not None:
            self._cut = data[cut.start() :]
        found = False
        for sequence in _SEQUENCE.finditer(data):
            found = True
            self._note(sequence)
        return found

    def _note(self, sequence: re.Match[bytes]) -> None:
        kind = sequence.lastgroup
        if kind == "set":
            for text in sequence["switches"].split(b";"):
                number = int(text or b"0")
                if number in _DEFAULTS:
                    self._switches[number] = sequence["set"] == b"h"
        elif kind == "simple":
            self._note_simple(sequence["simple"])
        elif kind == "charset":
            self._charset = sequence["charset"]
        elif kind == "margins":
            self._margins = sequence["margins"]
        elif kind == "shape":
            self._shape = sequence["shape"].strip(b"0")
        elif kind == "kitty":
            self._note_keyboard(sequence["kitty"])
        else:
            self._keys = (sequence["keys"] or b"").rstrip(b";0")

    def _note_simple(self, simple: bytes) -> None:
        if simple in (b"=", b">"):
            self._keypad = simple == b"="
        elif simple == b"c":
            self._reset()
        elif simple == b"[!p":
            # DECSTR leaves the alternate screen, the mouse and the keyboard protocols alone.
            self._keypad, self._insert, self._charset, self._margins = False, False, b"B", b""
            for number in (1, 6, _AUTOWRAP, _CURSOR):
                self._switches.pop(number, None)
        else:
            self._insert = simple == b"[4h"

    def _note_keyboard(self, change: bytes) -> None:
        """The stack of keyboard modes (sw.kovidgoyal.net/kitty/keyboard-protocol): > pushes flags, < pops so many."""
        if change.startswith(b">"):
            self._kitty = [*self._kitty[-_MOST_PUSHED:], change[1:]]
        else:
            count = int(change[1:] or b"1")
            self._kitty = self._kitty[: max(0, len(self._kitty) - count)]

    def _is_set(self, number: int) -> bool:
        return self._switches.get(number, _DEFAULTS[number])

    def _changed(self) -> list[int]:
        """The switches that are not as a terminal has them at first; the alternate screen is the first of them."""
        changed = [number for number in self._switches if self._is_set(number) != _DEFAULTS[number]]
        return sorted(changed, key=lambda number: (number not in _ALTERNATE, number))

    def enter(self) -> bytes:
        """What brings a fresh terminal into this state."""
        parts = [b"\x1b[?%d%c" % (number, b"h" if self._is_set(number) else b"l") for number in self._changed()]
        if self._margins:
            parts.append(b"\x1b[%br" % self._margins)
        if self._shape:
            parts.append(b"\x1b[%b q" % self._shape)
        if self._keys:
            parts.append(b"\x1b[>4%bm" % self._keys)
        if self._keypad:
            parts.append(b"\x1b=")
        parts += [b"\x1b[>%bu" % flags for flags in self._kitty]
        return b"".join(parts)

    def leave(self) -> bytes:
        """What brings the terminal from this state back into that of a fresh one."""
        parts = [b"\x1b[0m", b"\x0f"]  # colours, and shift in
        if self._kitty:
            parts.append(b"\x1b[<%du" % len(self._kitty))
        if self._keys:
            parts.append(b"\x1b[>4m")
        if self._keypad:
            parts.append(b"\x1b>")
        if self._insert:
            parts.append(b"\x1b[4l")
        if self._charset != b"B":
            parts.append(b"\x1b(B")
        if self._shape:
            parts.append(b"\x1b[0 q")
        if self._margins:
            parts.append(b"\x1b7\x1b[r\x1b8")  # DECSTBM moves the cursor: save and restore it
        # The alternate screen last: what was set on it must not be undone on the other one.
        parts += [b"\x1b[?%d%c" % (n, b"h" if _DEFAULTS[n] else b"l") for n in reversed(self._changed())]
        return b"".join(parts)


def moves_about(data: bytes) -> bool:
    """True when the bytes put the cursor to absolute places: a program that draws the screen, as top does."""
    return _MOVES.search(data) is not None
