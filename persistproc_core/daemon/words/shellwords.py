"""Splits a command as a POSIX shell does, and tells when only a shell can run it (POSIX.1-2024, chapter 2).

Where `Lexed.needs_shell` is False, the words are exactly the arguments that ``/bin/sh -c`` would execute: inside single
quotes nothing is special, inside double quotes only ``$ ` "`` and the backslash are, and a backslash takes the meaning
from the character that follows it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ...errors import InvalidParams

__all__ = ["Lexed", "lex"]

# A lone word of these does something only inside the shell, or is no program at all. Those that exist as programs as
# well (echo, test, [, printf, true, kill, pwd) are executed as programs.
_SHELL_WORDS = frozenset(
    """
    . : ! { } [[ alias bg bind break builtin caller case cd command compgen complete continue declare dirs disown do
    done elif else enable esac eval exec exit export fc fg fi for function getopts hash help history if in jobs let
    local logout mapfile popd pushd read readarray readonly return select set shift shopt source suspend then time times
    trap type typeset ulimit umask unalias unset until wait while
    """.split()
)
_OPERATORS = frozenset("&|;<>()\n")
_EXPANSIONS = frozenset("$`*?[")
_BLANKS = frozenset(" \t\r")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_BRACES = re.compile(r"\{[^{}]*\}")


class Lexed(NamedTuple):
    """A command line taken apart."""

    words: list[str]
    """The words, quotes removed. With shell syntax: an operator is a word of its own, expansions stand as written."""
    needs_shell: bool


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._end = len(text.rstrip())
        self.words: list[str] = []
        self.needs_shell = False
        self._word: list[str] = []
        self._bare: list[str] = []  # the word with its quoted characters blanked: what the shell would look at
        self._in_word = False

    def run(self) -> Lexed:
        while self.at < len(self.text):
            self._step(self.text[self.at])
        self._end_word()
        return Lexed(self.words, self.needs_shell)

    def _step(self, char: str) -> None:
        if char in _BLANKS or (char == "\n" and self.at >= self._end):
            self._end_word()
            self.at += 1
        elif char == "'":
            self._single_quoted()
        elif char == '"':
            self._double_quoted()
        elif char == "\\":
            self._escaped()
        elif char in _OPERATORS:
            self._operator(char)
        elif char == "#" and not self._in_word:
            self.needs_shell = True
            end = self.text.find("\n", self.at)
            self.at = end if end >= 0 else len(self.text)
        else:
            if char in _EXPANSIONS or (char == "~" and not self._in_word):
                self.needs_shell = True
            self._take(char, char)
            self.at += 1

    def _take(self, chars: str, bare: str) -> None:
        self._in_word = True
        self._word.append(chars)
        self._bare.append(bare)

    def _operator(self, char: str) -> None:
        self.needs_shell = True
        self._end_word()
        self.words.append(char)
        self.at += 1

    def _single_quoted(self) -> None:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise _unbalanced("'")
        self._take(self.text[self.at + 1 : end], "'")
        self.at = end + 1

    def _double_quoted(self) -> None:
        self._take("", '"')
        self.at += 1
        while self.at < len(self.text):
            char = self.text[self.at]
            following = self.text[self.at + 1 : self.at + 2]
            if char == '"':
                self.at += 1
                return
            if char == "\\" and following == "\n":
                self.needs_shell = True
            if char == "\\" and following and following in '$`"\\':
                char = following
                self.at += 1
            elif char in "$`":
                self.needs_shell = True
            self._take(char, '"')
            self.at += 1
        raise _unbalanced('"')

    def _escaped(self) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if not following:
            raise InvalidParams(
                "the command ends in a backslash", hint="remove it, or put the last word in single quotes"
            )
        if following == "\n":
            self.needs_shell = True  # a continued line: the shell joins it
        else:
            self._take(following, "\\")
        self.at += 2

    def _end_word(self) -> None:
        if not self._in_word:
            return
        word, bare = "".join(self._word), "".join(self._bare)
        if not self.words and (word in _SHELL_WORDS or _ASSIGNMENT.match(bare)):
            self.needs_shell = True
        if bare in ("{", "}") or _expands(bare):
            self.needs_shell = True
        self.words.append(word)
        self._word, self._bare, self._in_word = [], [], False


def _expands(bare: str) -> bool:
    """True for {a,b} and {1..3}. Taken in two steps: as one expression it is quadratic on a run of commas."""
    return any("," in group or ".." in group for group in _BRACES.findall(bare))


def _unbalanced(quote: str) -> InvalidParams:
    kind = "single quote (')" if quote == "'" else 'double quote (")'
    return InvalidParams(
        f"the command has an unbalanced {kind}", hint="close the quote, or give the command as a list of arguments"
    )


def lex(text: str) -> Lexed:
    """Take a command line apart.

    Raises `InvalidParams` for a quote that is never closed and for a backslash at the very end.
    """
    return _Lexer(text).run()
