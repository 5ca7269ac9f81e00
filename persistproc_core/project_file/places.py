"""On which line of a TOML document each key stands (TOML 1.0, https://toml.io/en/v1.0.0).

No TOML parser for Python tells it. The document is known to be valid, so this reads only as much of the grammar as it
takes to see where keys and values begin and end.
"""

from __future__ import annotations

import bisect
import re
from typing import TypeAlias

from .toml_text import parse_toml

__all__ = ["Path", "Places"]

Path: TypeAlias = "tuple[str | int, ...]"

_SKIPPED = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANKS = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}#\n]*")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}(?!")', re.DOTALL),
    re.compile(r"'''.*?'{3,5}(?!')", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)


class Places:
    """The lines of the keys and items of a valid document."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}
        self._document()

    def line(self, path: Path) -> int | None:
        """Where a key stands, else the nearest thing around it that stands somewhere; None: nothing does."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return None

    def __contains__(self, path: Path) -> bool:
        return path in self._lines

    @property
    def paths(self) -> set[Path]:
        """Everything that has a place."""
        return set(self._lines)

    # --- the grammar --------------------------------------------------------------------------------------------------

    def _document(self) -> None:
        table: Path = ()
        self._skip(_SKIPPED)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_SKIPPED)

    def _header(self) -> Path:
        line = self._line()
        of_array = self._text.startswith("[[", self._at)
        self._at += 2 if of_array else 1
        keys = self._keys()
        self._at += 2 if of_array else 1
        path: Path = ()
        for key in keys[:-1]:
            path = self._newest((*path, key), line)
        path = (*path, keys[-1])
        if not of_array:
            self._lines[path] = line
            return path
        self._counts[path] = self._counts.get(path, 0) + 1
        return self._newest(path, line)

    def _newest(self, path: Path, line: int) -> Path:
        """The path itself, or, of an array of tables, its newest table."""
        self._lines.setdefault(path, line)
        if path in self._counts:
            path = (*path, self._counts[path] - 1)
            self._lines.setdefault(path, line)
        return path

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = table
        for key in self._keys():
            path = (*path, key)
            self._lines.setdefault(path, line)
        self._at += 1  # the equals sign
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip(_BLANKS)
        first = self._text[self._at : self._at + 1]
        if first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        elif first in ('"', "'"):
            self._string()
        else:
            self._skip(_BARE_VALUE)

    def _array(self, path: Path) -> None:
        index = 0
        while self._next_item("]"):
            item = (*path, index)
            self._lines[item] = self._line()
            self._value(item)
            index += 1

    def _inline_table(self, path: Path) -> None:
        while self._next_item("}"):
            self._pair(path)

    def _next_item(self, closing: str) -> bool:
        """Go to the next item of an array or inline table; False: past its end."""
        # The opening bracket, or what follows the item before.
        if self._text[self._at : self._at + 1] in ("[", "{"):
            self._at += 1
        self._skip(_SKIPPED)
        if self._text.startswith(",", self._at):
            self._at += 1
            self._skip(_SKIPPED)
        if self._at < len(self._text) and self._text[self._at] != closing:
            return True
        self._at += 1
        return False

    def _keys(self) -> list[str]:
        keys = [self._key()]
        while self._text.startswith(".", self._at):
            self._at += 1
            keys.append(self._key())
        return keys

    def _key(self) -> str:
        self._skip(_BLANKS)
        begin = self._at
        if self._text[begin : begin + 1] in ('"', "'"):
            self._string()
            # The parser knows the escapes.
            (key,) = parse_toml(f"{self._text[begin : self._at]} = 0")
        else:
            self._skip(_BARE_KEY)
            key = self._text[begin : self._at]
        self._skip(_BLANKS)
        return key

    def _string(self) -> None:
        for pattern in _STRINGS:
            if match := pattern.match(self._text, self._at):
                self._at = match.end()
                return
        self._at = len(self._text)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        if match := pattern.match(self._text, self._at):
            self._at = match.end()

    def _line(self) -> int:
        return bisect.bisect_right(self._starts, self._at)
