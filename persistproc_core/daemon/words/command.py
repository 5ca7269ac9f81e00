"""What a caller asks to run, made exact: the argument list, whether a shell runs it, and the line that is shown."""

from __future__ import annotations

import os
import shlex
from typing import NamedTuple

from ...errors import InvalidParams
from .default_names import default_name
from .names import check_name, free_name
from .shellwords import lex

__all__ = ["Command", "check_name", "check_words", "default_name", "free_name", "parse_command"]

SHELL = "/bin/sh"


class Command(NamedTuple):
    """A command as it is executed. Two commands are the same when their `argv` are equal."""

    argv: tuple[str, ...]
    shell: bool
    """True when a text with shell syntax runs under ``/bin/sh -c``."""
    text: str
    """The line that is shown: the caller's text, or the list as it would be typed."""


def parse_command(command: str | list[str] | tuple[str, ...]) -> Command:
    """The command to execute.

    A list is executed as it is. A text without shell syntax is split and executed; with shell syntax it runs under
    ``/bin/sh -c`` (see `shellwords`).

    Raises `InvalidParams` when nothing is left to execute, a quote is not closed, or an argument cannot be passed to
    a program (a NUL character, an unpaired surrogate).
    """
    if isinstance(command, str):
        return _from_text(_trimmed(command))
    argv = tuple(command)
    check_words(argv)
    return Command(argv, False, shlex.join(argv))


def _from_text(text: str) -> Command:
    words, needs_shell = lex(text)
    if needs_shell:
        argv: tuple[str, ...] = (SHELL, "-c", text)
    else:
        argv = tuple(words)
    check_words(argv)
    return Command(argv, needs_shell, text)


def _trimmed(text: str) -> str:
    stripped = text.strip(" \t\r\n")
    # "a\ " ends in an escaped blank: without it the backslash would be the last character.
    backslashes = len(stripped) - len(stripped.rstrip("\\"))
    if backslashes % 2:
        return text.lstrip(" \t\r\n")
    return stripped


def check_words(argv: tuple[str, ...]) -> None:
    """Raises `InvalidParams` for an argument list that no program can be executed with."""
    if not argv:
        raise InvalidParams("the command is empty", hint="name the program to run")
    if not argv[0]:
        raise InvalidParams("the command's first word is empty", hint="the first word names the program to run")
    for word in argv:
        if "\0" in word:
            raise InvalidParams("the command holds a NUL character", hint="no argument of a program can have one")
        try:
            os.fsencode(word)
        except UnicodeEncodeError:
            raise InvalidParams(
                "the command holds an unpaired surrogate character", hint="send the command as well-formed Unicode"
            ) from None
