"""``${VAR}`` in the texts of a project's file.

    ${VAR}             its value; an error when it is not set
    ${VAR:-default}    the default when it is not set or empty      ${VAR-default}    when it is not set
    ${VAR:?message}    an error when it is not set or empty         ${VAR?message}    when it is not set
    $$                 one $

These are the forms of a shell (POSIX.1-2024, section 2.6.2). A default may hold further ones. Any other $ is left
alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["MAX_VALUE", "InterpolationError", "interpolate"]

MAX_VALUE = 131072
"""Characters of a value: Linux gives no program a longer one (execve(2), MAX_ARG_STRLEN). Without it thirty lines that
each hold the one before twice would be a gigabyte."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_NESTED = 20


class InterpolationError(ValueError):
    """A variable is not set, or the form is none. It never tells a value."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """The text with the values in it, at most `MAX_VALUE` characters. Raises `InterpolationError`."""
    return _filled(text, variables, 0)


def _filled(text: str, variables: Mapping[str, str], depth: int) -> str:
    if depth > _MOST_NESTED:
        raise InterpolationError("${...} nests too deeply")
    parts: list[str] = []
    at = length = 0
    while (dollar := text.find("$", at)) >= 0:
        parts.append(text[at:dollar])
        at = dollar + 2
        if text.startswith("$$", dollar):
            parts.append("$")
        elif text.startswith("${", dollar):
            end = _closing(text, at)
            parts.append(_value(text[at:end], variables, depth))
            at = end + 1
            length += len(parts[-1])
            _check_length(length)
        else:
            parts.append("$")
            at = dollar + 1
    filled = "".join([*parts, text[at:]])
    _check_length(len(filled))
    return filled


def _check_length(length: int) -> None:
    if length > MAX_VALUE:
        raise InterpolationError(f"its value is longer than {MAX_VALUE // 1024} KiB")


def _closing(text: str, at: int) -> int:
    """Where the brace that was opened before ``at`` is closed."""
    depth = 1
    for index in range(at, len(text)):
        if text[index] == "{" and text[index - 1] == "$":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                return index
    raise InterpolationError("a ${ is never closed", "write $$ for a $")


def _value(inside: str, variables: Mapping[str, str], depth: int) -> str:
    match = _NAME.match(inside)
    name = match[0] if match else ""
    rest = inside[len(name) :]
    also_empty = rest.startswith(":")
    operator, argument = rest[also_empty : also_empty + 1], rest[also_empty + 1 :]
    if not name or (rest and operator not in ("-", "?")):
        raise InterpolationError(
            "${" + inside[:60] + "} is no form that is known",
            "the forms are ${VAR}, ${VAR:-default}, ${VAR-default}, ${VAR:?message}, ${VAR?message}; $$ is a $",
        )
    value = variables.get(name)
    if value or (value is not None and not also_empty):
        return value
    if operator == "-":
        return _filled(argument, variables, depth + 1)
    if operator == "?" and argument:
        raise InterpolationError(f"{name}: {argument}")
    empty = "is empty" if value is not None else "is not set"
    raise InterpolationError(f"the variable {name} {empty}", "${" + name + ":-} would stand for nothing then")
