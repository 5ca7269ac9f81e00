"""Finds the lines of a block that match a regular expression."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from ...errors import InvalidParams
from ...pattern_size import TOO_LONG, TOO_LONG_HINT, is_too_long
from .cleaning import cleaned, has_controls
from .filters import Extents, TimeIsUp
from .finding import holds
from .rewriting import rewritten

if TYPE_CHECKING:
    import regex

__all__ = ["Pattern"]

_LINE_SECONDS: Final = 1.0
_BLOCK_SECONDS: Final = 1.0
_SHORT: Final = 3
_ZEROS: Final = bytes.maketrans(b"123456789", b"000000000")
_COMMON_LAST: Final = b"#!%&QXZJKVYWqxzjkvYWBGHUFMPLDCNSARIOETywbgfphvcmudlnrsioate,-.:/0123456789 "
"""Bytes by how often they are in logs; any other is rarer still."""
_MOST_SINGLY = 32
"""So many lines of a block that have a word of the pattern are looked at singly; the others all at once."""


_REWRITTEN: Final = re.compile(r"\\[^\W_dwb]|\[\^|\(\?")
"""What a pattern has when more of it than the escapes is rewritten for many lines."""
_NO_BYTES: Final = re.compile("[\ufffd\ud800-\udfff]")
"""Characters that stand for no bytes of a log, or for several: a search for their bytes would miss lines, or fail."""


class _TooSlow(Exception):
    pass


class Pattern:
    """A compiled pattern. Raises `InvalidParams` for one that cannot be compiled.

    ``deadline`` is a time of `time.monotonic`.
    """

    def __init__(
        self, text: str, *, ignore_case: bool = False, invert: bool = False, deadline: float = math.inf
    ) -> None:
        import regex  # 1.4 MiB and 15 ms, which a daemon whose logs nobody searches does not need

        self._deadline = deadline
        self._invert = invert
        if text.startswith("(?i)"):
            text, ignore_case = text[4:], True
        if is_too_long(text):
            raise InvalidParams(f"grep {TOO_LONG}", hint=TOO_LONG_HINT)
        flags = regex.IGNORECASE if ignore_case else 0
        try:
            self._line = regex.compile(text, flags)
            many = rewritten(text)
            # With the rest of the line, so that each line is found once.
            self._many = regex.compile(rf"(?:{many.text})[^\n]*", flags | regex.MULTILINE) if many else None
        except regex.error as error:
            raise InvalidParams(f"grep is not a regular expression: {error}") from None
        except RecursionError:
            raise InvalidParams("grep nests too deeply for a regular expression") from None
        self._is_same = not _REWRITTEN.search(text)
        self._ignore_case = ignore_case
        words = _encoded(many.words, ignore_case=ignore_case) if many else ()
        numbers = _encoded(many.numbers, ignore_case=ignore_case) if many else ()
        self._words = words
        self._is_words = bool(words) and many is not None and many.is_words
        # A short word is in most lines; one with its numbers, of which only the length is known, in fewer.
        self._zeroed = _shortest(words) < _SHORT <= _shortest(numbers)
        self._keys = numbers if self._zeroed else words

    def accepts(self, line: bytes) -> bool:
        """Whether one line, with or without its newline, is wanted. Raises as `select` does."""
        return self._matches(cleaned(line.removesuffix(b"\n"))) != self._invert

    def select(self, data: bytes, length: int) -> Extents:
        """The lines that are wanted, of those that are the first ``length`` bytes. The last may have no newline.

        Raises `InvalidParams` when one line takes the pattern too long, `TimeIsUp` when all together do.
        """
        found = self._found(data, length)
        return _others(found, data, length) if self._invert else found

    def _found(self, data: bytes, length: int) -> Extents:
        if self._words and not any(_may_hold(data, word, self._ignore_case) for word in self._words):
            return []
        if not has_controls(data):
            is_ascii = data.isascii()
            if self._keys and (is_ascii or not (self._ignore_case or self._zeroed)):
                return self._by_words(data, length, is_ascii=is_ascii)
            if is_ascii:
                return self._by_lines(data[:length].decode("ascii"), 0)
        # With a newline, or a last line of nothing but control sequences would be no line.
        text = cleaned(data[:length].removesuffix(b"\n")) + "\n"
        return _mapped(self._by_lines(text, 0), text, data, length)

    def _by_words(self, data: bytes, length: int, *, is_ascii: bool) -> Extents:
        """In plain bytes: only lines with one of the words can match."""
        folded = data.translate(_ZEROS) if self._zeroed else data
        folded = folded.lower() if self._ignore_case else folded
        if not any(holds(folded, word.text) for word in self._keys):
            return []
        lines = _lines_with(self._keys, folded, length)
        if self._is_words and not self._zeroed:
            return list(lines)
        found: Extents = []
        for count, (begin, end) in enumerate(lines, 1):
            if self._matches(data[begin:end].removesuffix(b"\n").decode("utf-8", "replace")):
                found.append((begin, end))
            if count >= _MOST_SINGLY and self._many is not None and is_ascii:
                return found + self._by_lines(data[:length].decode("ascii"), end)
        return found

    def _by_lines(self, text: str, start: int) -> Extents:
        """In the plain text of lines, from the beginning of one of them on. In characters, not bytes."""
        if self._many is not None:
            try:
                return self._at_once(self._many, text, start)
            except _TooSlow:
                pass  # it may be that each line takes a little
        return [(begin, end) for begin, end, line in _lines(text, start) if self._matches(line)]

    def _at_once(self, many: regex.Pattern[str], text: str, start: int) -> Extents:
        if time.monotonic() > self._deadline:
            raise TimeIsUp
        found: Extents = []
        end = start
        try:
            for match in many.finditer(text, start, timeout=_BLOCK_SECONDS, concurrent=True):
                place = match.start()
                begin = text.rfind("\n", 0, place) + 1
                if begin < end:
                    continue  # nothing, at the end of a line that was looked at
                if begin >= len(text):
                    break  # behind the last newline there is no line
                end = text.find("\n", place) + 1 or len(text)
                if self._is_same or self._matches(text[begin : end - 1] if text[end - 1] == "\n" else text[begin:end]):
                    found.append((begin, end))
        except TimeoutError:
            raise _TooSlow from None
        return found

    def _matches(self, line: str) -> bool:
        if time.monotonic() > self._deadline:
            raise TimeIsUp
        try:
            return self._line.search(line, timeout=_LINE_SECONDS, concurrent=True) is not None
        except TimeoutError:
            raise InvalidParams(
                "grep takes too long: one line took the pattern more than a second",
                hint="a repeated group that repeats itself, like (a+)+, has too many ways to match; write it without",
            ) from None


class _Word(NamedTuple):
    text: bytes
    letters: bytes
    """Each of its bytes once, the rarest first."""


def _encoded(words: frozenset[str], *, ignore_case: bool) -> tuple[_Word, ...]:
    if any(_NO_BYTES.search(word) or (ignore_case and not word.isascii()) for word in words):
        return ()
    encoded = [(word.lower() if ignore_case else word).encode() for word in sorted(words)]
    return tuple(_Word(text, bytes(sorted(set(text), key=_COMMON_LAST.find))) for text in encoded)


def _may_hold(data: bytes, word: _Word, ignore_case: bool) -> bool:
    # Whatever is between its letters (colours), they all have to be there.
    if ignore_case:
        return not data.isascii() or all(byte in data or bytes([byte]).upper() in data for byte in word.letters)
    return all(byte in data for byte in word.letters)


def _shortest(words: tuple[_Word, ...]) -> int:
    return min((len(word.text) for word in words), default=0)


def _lines_with(words: tuple[_Word, ...], data: bytes, length: int) -> Iterator[tuple[int, int]]:
    """The lines with at least one of the words, in order, each once."""
    places = [data.find(word.text, 0, length) for word in words]
    while (place := places[0] if len(places) == 1 else _first(places)) >= 0:
        begin = data.rfind(b"\n", 0, place) + 1
        end = data.find(b"\n", place, length) + 1 or length
        yield begin, end
        for index, at in enumerate(places):
            if 0 <= at < end:
                places[index] = data.find(words[index].text, end, length)


def _first(places: list[int]) -> int:
    return min((place for place in places if place >= 0), default=-1)


def _lines(text: str, start: int) -> Iterator[tuple[int, int, str]]:
    while start < len(text):
        newline = text.find("\n", start)
        end = newline + 1 or len(text)
        yield start, end, text[start : newline if newline >= 0 else end]
        start = end


def _mapped(found: Extents, text: str, data: bytes, length: int) -> Extents:
    """Lines of the plain text as the same lines of the bytes."""
    places: Extents = []
    begin = passed = 0
    for text_begin, text_end in found:
        for _ in range(text.count("\n", passed, text_begin)):
            begin = data.index(b"\n", begin) + 1
        end = data.find(b"\n", begin, length) + 1 or length
        places.append((begin, end))
        begin, passed = end, text_end
    return places


def _others(found: Extents, data: bytes, length: int) -> Extents:
    """All lines but those."""
    others: Extents = []
    begin = 0
    for found_begin, found_end in [*found, (length, length)]:
        while begin < found_begin:
            end = data.find(b"\n", begin, length) + 1 or length
            others.append((begin, end))
            begin = end
        begin = found_end
    return others
