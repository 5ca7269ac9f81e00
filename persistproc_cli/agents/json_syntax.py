"""JSON with comments and trailing commas (the JSONC of VS Code, opencode and Zed), read with the place of everything.

``json`` tells values but not where they stand, and refuses comments; to change one member and leave every other byte
alone, both are needed.
"""

from __future__ import annotations

from json.decoder import JSONDecodeError
from json.decoder import scanstring as _scan  # type: ignore[attr-defined]  # undeclared, but there since 2.6

from .broken import BrokenDocument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["Member", "Value", "line_of", "parse", "refuse"]

_BLANK = " \t\r\n\ufeff"
_ENDS_A_WORD = ' \t\r\n,:[]{}"/'
_DEEPEST = 100
_LITERALS = {"true": True, "false": False, "null": None}


class Value:
    """A value: its text is ``text[start:end]``; ``members`` is None for anything but an object.

    ``inner_end`` is the end of the last thing between an object's braces, comments included (its start + 1 when there
    is nothing): what is added behind all members goes there.
    """

    __slots__ = ("end", "inner_end", "members", "start", "value")

    def __init__(self, start: int) -> None:
        self.start = start
        self.end = start
        self.inner_end = start + 1
        self.members: list[Member] | None = None
        self.value: object = None


class Member:
    """A member of an object.

    ``before`` is the end of what stands in front of its key: brace, comma or comment; ``behind_comment`` tells that it
    is a comment to the end of its line.
    """

    __slots__ = ("before", "behind_comment", "comma", "key", "start", "value")

    def __init__(self, key: str, start: int, before: int, behind_comment: bool) -> None:
        self.key = key
        self.start = start
        self.before = before
        self.behind_comment = behind_comment
        self.value = Value(start)
        self.comma: int | None = None


def line_of(text: str, index: int) -> int:
    """The line in which a character stands, counted from 1."""
    return text.count("\n", 0, index) + 1


def parse(text: str) -> Value | None:
    """The document; None when there is nothing but blanks and comments. Raises `BrokenDocument`."""
    parser = _Parser(text)
    parser.skip()
    if parser.at == len(text):
        return None
    value = parser.value(0)
    parser.skip()
    if parser.at < len(text):
        parser.fail("there is something after the end of the document")
    return value


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.last = 0
        """The end of the last token or comment that was passed."""
        self.comment = -1
        """The end of the last comment to the end of its line."""

    def fail(self, reason: str) -> NoReturn:
        raise BrokenDocument(reason, line_of(self.text, self.at))

    def skip(self) -> None:
        """Go past blanks and comments."""
        text = self.text
        while self.at < len(text):
            if text[self.at] in _BLANK:
                self.at += 1
            elif text.startswith("//", self.at):
                end = text.find("\n", self.at)
                self.at = len(text) if end < 0 else end
                self.last = self.comment = self.at - 1 if text[self.at - 1] == "\r" else self.at
            elif text.startswith("/*", self.at):
                end = text.find("*/", self.at + 2)
                if end < 0:
                    self.fail("a comment has no end")
                self.at = self.last = end + 2
            else:
                return

    def take(self, character: str) -> bool:
        """Go past the character if it comes next."""
        if not self.text.startswith(character, self.at):
            return False
        self.at += 1
        self.last = self.at
        return True

    def value(self, depth: int) -> Value:
        """Read the value that comes next."""
        if depth > _DEEPEST:
            self.fail(f"more than {_DEEPEST} levels")
        value = Value(self.at)
        if self.take("{"):
            self._object(value, depth)
        elif self.take("["):
            self._array(value, depth)
        elif self.text.startswith('"', self.at):
            value.value = self._string()
        else:
            value.value = self._word()
        value.end = self.last = self.at
        return value

    def _object(self, value: Value, depth: int) -> None:
        members: list[Member] = []
        while True:
            self.skip()
            before = self.last
            start = self.at
            if self.take("}"):
                value.inner_end = before
                value.members = members
                value.value = {member.key: member.value.value for member in members}
                return
            if members and members[-1].comma is None:
                self.fail("expected , or }")
            if not self.text.startswith('"', self.at):
                self.fail('expected "name" or }')
            members.append(Member(self._string(), start, before, before == self.comment))
            self.skip()
            if not self.take(":"):
                self.fail("expected : after a name")
            self.skip()
            members[-1].value = self.value(depth + 1)
            self.skip()
            comma = self.at
            if self.take(","):
                members[-1].comma = comma

    def _array(self, value: Value, depth: int) -> None:
        items: list[object] = []
        separated = True
        while True:
            self.skip()
            if self.take("]"):
                value.value = items
                return
            if not separated:
                self.fail("expected , or ]")
            items.append(self.value(depth + 1).value)
            self.skip()
            separated = self.take(",")

    def _string(self) -> str:
        try:
            scanned: tuple[str, int] = _scan(self.text, self.at + 1, True)
        except JSONDecodeError as error:
            self.at = min(error.pos, len(self.text))
            self.fail(error.msg.lower().partition(":")[0])
        self.at = self.last = scanned[1]
        return scanned[0]

    def _word(self) -> object:
        end = self.at
        while end < len(self.text) and self.text[end] not in _ENDS_A_WORD:
            end += 1
        word = self.text[self.at : end]
        if word in _LITERALS:
            self.at = end
            return _LITERALS[word]
        try:
            from json import loads

            number: object = loads(word, parse_constant=refuse)
        except ValueError:
            self.fail(f"expected a value, not {word[:20] or self.text[self.at : self.at + 1] or 'the end'!r}")
        self.at = end
        return number


def refuse(name: str) -> object:
    """Raises `ValueError`: NaN and Infinity are not JSON (RFC 8259, section 6)."""
    raise ValueError(name)
