"""Values of a record's JSON, each checked: given back as what it is, or refused.

Each raises `TypeError` or `ValueError` for what cannot have been written by us.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import TypeVar, cast

from ..errors import InvalidParams
from ..signal_names import signal_number
from ..validation import problem_of
from .words.names import check_name

__all__ = [
    "MOST_64",
    "absolute_path",
    "argument_list",
    "array",
    "declared",
    "mapping",
    "moment",
    "number",
    "number_or_none",
    "process_name",
    "seconds_or_none",
    "signal_or_none",
    "text",
    "text_or_none",
    "within",
    "word",
]

_MOST = 2**31 - 1
MOST_64 = 2**63 - 1
"""The greatest signed number of 64 bits."""
_MOMENT_LENGTH = len("2026-01-02T03:04:05.678Z")


def text(value: object) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise TypeError("a text was expected")
    return value


def text_or_none(value: object) -> str | None:
    """A text, or null."""
    return None if value is None else text(value)


def word(value: object) -> str:
    """A text that can be passed to a program: no NUL is in it."""
    given = text(value)
    if b"\0" in os.fsencode(given):
        raise ValueError("it holds a NUL")
    return given


def number(value: object) -> int:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("a number was expected")
    return value


def number_or_none(value: object) -> int | None:
    """A whole number, or null."""
    return None if value is None else number(value)


def within(value: object, least: int, most: int = _MOST) -> int:
    """A whole number from ``least`` to ``most``."""
    found = number(value)
    if not least <= found <= most:
        raise ValueError(f"{found} is not between {least} and {most}")
    return found


def seconds_or_none(value: object) -> float | None:
    """A time in seconds, not negative, or null."""
    if value is None:
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError("a number was expected")
    if not 0 <= value <= _MOST:  # not isfinite(): of a number of four hundred digits that raises OverflowError
        raise ValueError("such a time is out of range")
    return float(value)


def moment(value: object) -> str:
    """A time of the wall clock as `clock` writes them (RFC 3339, UTC, milliseconds)."""
    written = text(value)
    datetime.fromisoformat(written.removesuffix("Z"))
    if len(written) != _MOMENT_LENGTH or not written.endswith("Z"):
        raise ValueError(f"{written!r} is not a time as we write them")
    return written


def absolute_path(value: object) -> str:
    """A path from the root."""
    path = word(value)
    if not os.path.isabs(path):
        raise ValueError(f"{path!r} is not an absolute path")
    return path


def argument_list(value: object) -> tuple[str, ...]:
    """A command's words, the program first."""
    argv = tuple(word(each) for each in array(value))
    if not argv or not argv[0]:
        raise ValueError("there is no command")
    return argv


def process_name(value: object) -> str:
    """A name that a process may have."""
    try:
        return check_name(text(value))
    except InvalidParams as error:
        raise ValueError(error.message) from None


def signal_or_none(value: object) -> str | None:
    """A signal that this system has, by name or number, or null."""
    try:
        if value is not None:
            signal_number(text(value))  # else nobody could stop it
    except InvalidParams as error:
        raise ValueError(error.message) from None
    return text_or_none(value)


def array(value: object) -> list[object]:
    """A JSON array."""
    if not isinstance(value, list):
        raise TypeError("a list was expected")
    return value


def mapping(value: object) -> dict[str, object]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise TypeError("an object was expected")
    return value


_Declared = TypeVar("_Declared")


def declared(form: type[_Declared], value: object) -> _Declared:
    """What the protocol declares so, checked like a parameter."""
    problem = problem_of(form, value)
    if problem is not None:
        raise ValueError(problem)
    return cast("_Declared", value)
