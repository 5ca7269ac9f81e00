"""Reads TOML: what it says, or on which line it is none."""

from __future__ import annotations

import re
import sys

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["NotToml", "parse_toml"]

_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")

# Each part of a key costs a copy of those before it: a line of 10,000 would take seconds and hundreds of megabytes.
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DEEP_KEY = re.compile(rf"(?<![A-Za-z0-9_-]){_PART}(?:[ \t]*\.[ \t]*{_PART}){{100}}")


class NotToml(ValueError):
    """The text is not TOML. ``line`` is counted from 1."""

    def __init__(self, text: str, line: int) -> None:
        super().__init__(text)
        self.line = line


def parse_toml(text: str) -> dict[str, object]:
    """The document. Raises `NotToml`."""
    if deep := _DEEP_KEY.search(text):
        raise NotToml("a key has too many parts", text.count("\n", 0, deep.start()) + 1)
    try:
        document: dict[str, object] = tomllib.loads(text)
    except RecursionError:
        raise NotToml("nests too deeply", 1) from None
    except ValueError as error:
        raise _placed(str(error), text) from None
    return document


def _placed(words: str, text: str) -> NotToml:
    match = _PLACE.search(words)
    # Without a place: a date or number that is none (it has no line of its own), or the end.
    line = int(match[1]) if match and match[1] else text.count("\n", 0, len(text.rstrip())) + 1
    words = words[: match.start()] if match else words
    if words.endswith(repr("\n")):
        words = "a text has no closing quote"  # "Illegal character '\\n'"
    return NotToml(words[:1].lower() + words[1:], line)
