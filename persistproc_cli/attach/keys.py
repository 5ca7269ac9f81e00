"""The key that leaves, among all the keys that go to the process."""

from __future__ import annotations

import re

from ..arguments import UsageError

__all__ = ["DEFAULT_KEY", "DetachKey"]

DEFAULT_KEY = "ctrl-\\"

_NAMES = "@abcdefghijklmnopqrstuvwxyz[\\]^_"
_OTHER_KEYS = {
    "[": "Escape, with which every arrow key begins",
    "h": "Backspace",
    "i": "Tab",
    "j": "Enter",
    "m": "Enter",
}


class DetachKey:
    """Finds the key in what was typed.

    Raises `UsageError` for a name that is no ``ctrl-X`` (or ``^X``) and not ``none``, and for what another key sends.
    """

    def __init__(self, name: str) -> None:
        lowered = name.lower()
        self.label = ""
        self.byte: int | None = None
        self._pattern: re.Pattern[bytes] | None = None
        if lowered == "none":
            return
        letter = lowered.removeprefix("ctrl-").removeprefix("^") if lowered[:1] in ("c", "^") else ""
        if len(letter) != 1 or letter not in _NAMES:
            raise UsageError(
                f"--detach-key needs ctrl-X or none, not {name!r}", hint="for example: --detach-key ctrl-]"
            )
        if letter in _OTHER_KEYS:
            raise UsageError(f"ctrl-{letter} cannot be the detach key: it is the same as {_OTHER_KEYS[letter]}")
        self.label = f"Ctrl-{letter.upper()}"
        self.byte = _NAMES.index(letter)
        # A program may have asked for keys in a longer form (modifyOtherKeys, and kitty's protocol): the number of the
        # character, and 5 for Ctrl.
        code = b"%d" % ord(letter)
        self._pattern = re.compile(
            re.escape(bytes([self.byte])) + rb"|\x1b\[27;5;" + code + rb"~|\x1b\[" + code + rb";5u"
        )

    def split(self, typed: bytes) -> tuple[bytes, bytes, bytes] | None:
        """What was typed before the key, the key itself, and what came after it; None when it is not there."""
        found = None if self._pattern is None else self._pattern.search(typed)
        if found is None:
            return None
        return typed[: found.start()], found.group(), typed[found.end() :]
