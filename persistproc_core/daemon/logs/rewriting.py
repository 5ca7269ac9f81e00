r"""A regular expression for one line, made into one that can be searched for in many lines at once.

``\s`` and ``[^x]`` would run over the end of the line there, and ``\A`` mean the first line only. So what a pattern
may match is taken apart and put together again without the newline, and on the way the words are found without which
it cannot match. Only what most patterns are made of is understood; any other one is searched for line by line.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["Rewritten", "rewritten"]

_MOST_WORDS = 8
_MOST_COPIES = 32
_QUANTIFIER: Final = re.compile(r"(?:[*+?]|\{(?:\d+(?:,\d*)?|,\d+)\})[?+]?")
_GROUP: Final = re.compile(r"\((?:\?(?::|>|P?<[A-Za-z_]\w*>|=|!|<=|<!))?")
_LOOKS: Final = ("(?=", "(?!", "(?<=", "(?<!")
_NEVER: Final = "(?:(?!))"  # not [^\s\S], which the regex package takes for any character
_SAME: Final = frozenset("dwSbB")
_OTHER: Final = {"s": r"[^\S\n]", "D": r"[^\d\n]", "W": r"[^\w\n]", "A": "^", "Z": "$", "n": _NEVER}
_CLASSES: Final = frozenset(("\\d", "\\D", "\\w", "\\W", "\\s", "\\S"))
_CHARACTERS: Final = {"t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
# In a set, two of these next to each other mean something else in later versions of the syntax.
_SET_OPERATORS: Final = frozenset("-&|~[")


class Rewritten(NamedTuple):
    """A pattern for many lines (flag MULTILINE)."""

    text: str
    words: frozenset[str] = frozenset()
    """A line that matches has at least one of these in it. Empty: nothing is known."""
    numbers: frozenset[str] = frozenset()
    """The same for a line whose digits are all zeros; if none but ASCII digits are in it."""
    is_words: bool = False
    """True when every line that has one of the words matches."""


class _NotUnderstood(Exception):
    pass


def rewritten(pattern: str) -> Rewritten | None:
    """The pattern for many lines; None when it has something that is not understood here.

    The pattern is one that the regex package compiles without flags, or with IGNORECASE.
    """
    parser = _Parser(pattern)
    try:
        part = parser.alternatives()
    except (_NotUnderstood, IndexError):
        return None
    return part if parser.at == len(pattern) else None


class _Words:
    """The words of a sequence, while it is read."""

    def __init__(self) -> None:
        self._known: list[frozenset[str]] = []
        self._word = ""

    def add(self, char: str, least: int, *, is_exact: bool) -> None:
        """A character so many times, or (not exactly) more often; the empty text for what is no known character."""
        copies = char * min(least, _MOST_COPIES)
        if char and is_exact and len(copies) == least:
            self._word += copies
        else:
            self.add_part(frozenset({self._word + copies}))
            self._word = copies

    def add_part(self, words: frozenset[str]) -> None:
        """One of these words is there, too."""
        self._known += [frozenset({self._word}), words]
        self._word = ""

    def best(self) -> frozenset[str]:
        """The words that say most."""
        return max([*self._known, frozenset({self._word})], key=_usefulness)


class _Parser:
    """Recursive descent; patterns are short."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.at = 0

    def _peek(self) -> str:
        return self._pattern[self.at : self.at + 1]

    def _next(self) -> str:
        self.at += 1
        return self._pattern[self.at - 1]

    def alternatives(self) -> Rewritten:
        """``a|b|c``, up to the end or a closing parenthesis."""
        branches = [self._sequence()]
        while self._peek() == "|":
            self.at += 1
            branches.append(self._sequence())
        return Rewritten(
            "|".join(branch.text for branch in branches),
            _either([branch.words for branch in branches]),
            _either([branch.numbers for branch in branches]),
            len(branches) <= _MOST_WORDS and all(branch.is_words for branch in branches),
        )

    def _sequence(self) -> Rewritten:
        texts: list[str] = []
        words, numbers = _Words(), _Words()
        is_words = True
        while self._peek() not in ("", "|", ")"):
            char, number, part = self._atom()
            quantifier = _QUANTIFIER.match(self._pattern, self.at)
            if quantifier:
                self.at = quantifier.end()
            text = quantifier[0] if quantifier else ""
            least = _least(text)
            is_exact = not text or text[1:-1].isdigit()
            texts.append(part.text + text)
            words.add(char, least, is_exact=is_exact)
            numbers.add(number, least, is_exact=is_exact)
            if part.words and least:
                words.add_part(part.words)
            if part.numbers and least:
                numbers.add_part(part.numbers)
            is_words = is_words and bool(char) and not text
        best = words.best()
        return Rewritten("".join(texts), _all_or_none(best), _all_or_none(numbers.best()), is_words and all(best))

    def _atom(self) -> tuple[str, str, Rewritten]:
        """What it is if it is one character; the same with 0 for any digit; and how it is written."""
        char = self._next()
        if char == "(":
            self.at -= 1
            return "", "", self._group()
        if char == "[":
            text = self._set()
            return "", "0" if text == "[0-9]" else "", Rewritten(text)
        if char == "\\":
            return self._escape()
        if char in ".^$":
            return "", "", Rewritten(char)
        if char in "*+?" or (char == "{" and (self._peek().isalnum() or self._peek() == ",")):
            raise _NotUnderstood
        return _literal(char)

    def _escape(self) -> tuple[str, str, Rewritten]:
        char = self._next()
        if char in _SAME:
            return "", "0" if char == "d" else "", Rewritten("\\" + char)
        if char in _OTHER:
            return "", "", Rewritten(_OTHER[char])
        return _literal(self._character(char))

    @staticmethod
    def _character(escaped: str) -> str:
        if escaped in _CHARACTERS:
            return _CHARACTERS[escaped]
        if escaped.isascii() and not escaped.isalnum():
            return escaped
        raise _NotUnderstood

    def _group(self) -> Rewritten:
        opening = _GROUP.match(self._pattern, self.at)
        if opening is None or (opening[0] == "(" and self._pattern.startswith(("(*", "(?"), self.at)):
            raise _NotUnderstood
        self.at = opening.end()
        inner = self.alternatives()
        if self._next() != ")":
            raise _NotUnderstood
        text = f"{opening[0]}{inner.text})"
        return Rewritten(text) if opening[0] in _LOOKS else inner._replace(text=text)

    def _set(self) -> str:
        negated = self._peek() == "^"
        self.at += negated
        items = [self._set_item()]
        while self._peek() != "]":
            items.append(self._set_item())
        self.at += 1
        inner = "".join(text for text, _ in items)
        if negated:
            return f"[^\\n{inner}]"
        return f"(?:(?!\\n)[{inner}])" if any(newline for _, newline in items) else f"[{inner}]"

    def _set_item(self) -> tuple[str, bool]:
        """A character, class or range, and whether it has the newline."""
        low = self._set_character()
        if self._peek() != "-" or self._pattern.startswith("-]", self.at):
            return (low, low[1] in "DWs") if low in _CLASSES else (re.escape(low), low == "\n")
        self.at += 1
        high = self._set_character()
        if low in _CLASSES or high in _CLASSES:
            raise _NotUnderstood
        return f"{re.escape(low)}-{re.escape(high)}", low <= "\n" <= high

    def _set_character(self) -> str:
        """The character itself, or a class as it is written."""
        char = self._next()
        if char in _SET_OPERATORS and self._peek() in (char, ":", ".", "="):
            raise _NotUnderstood
        if char != "\\":
            return char
        char = self._next()
        if char == "n":
            return "\n"
        return f"\\{char}" if f"\\{char}" in _CLASSES else self._character(char)


def _literal(char: str) -> tuple[str, str, Rewritten]:
    if char == "\n":
        return "", "", Rewritten(_NEVER)
    return char, "0" if char in "0123456789" else char, Rewritten(re.escape(char))


def _least(quantifier: str) -> int:
    """How often at least."""
    if quantifier[:1] in ("*", "?"):
        return 0
    number = quantifier.lstrip("{").split(",")[0].rstrip("}?+")
    return int(number) if number.isdigit() else 0 if quantifier.startswith("{") else 1


def _either(branches: list[frozenset[str]]) -> frozenset[str]:
    words = frozenset[str]().union(*branches)
    return words if all(branches) and len(words) <= _MOST_WORDS else frozenset()


def _all_or_none(words: frozenset[str]) -> frozenset[str]:
    return words if all(words) else frozenset()


def _usefulness(words: frozenset[str]) -> tuple[int, int]:
    """The longer the shortest word, the better; then the fewer."""
    return min((len(word) for word in words), default=0), -len(words)
