"""What is wrong with a file: everything that was found, each with its line, told as one error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..errors import ProjectInvalid

__all__ = ["MAX_PROCESSES", "Problem", "Problems", "invalid", "together"]

MAX_PROCESSES = 500
"""In one file; more are a mistake, and to look for the nearest name among any number of them would take minutes."""
_MOST_TOLD = 20
_MOST_FOUND = 100


class Problem(NamedTuple):
    """One thing that is wrong."""

    text: str
    line: int | None = None
    """Counted from 1; None: it is about the whole file."""
    hint: str = ""


class Problems:
    """Collects what is wrong with a file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: dict[Problem, None] = {}

    def add(self, text: str, line: int | None = None, hint: str = "") -> None:
        """Note one, each only once. Raises `ProjectInvalid` when there are too many to go on."""
        self._found[Problem(text, line, hint)] = None
        # A file that is something else altogether: to look for the nearest key of each would take minutes.
        if len(self._found) == _MOST_FOUND:
            self.check()

    def check(self) -> None:
        """Raise `ProjectInvalid` when there is any."""
        if self._found:
            raise invalid(self.file, *self._found)


def invalid(file: str, *found: Problem) -> ProjectInvalid:
    """The error that tells them: the first of the file in the message, all of them in its data."""
    ordered = sorted(found, key=lambda problem: problem.line or 0)
    first, more = ordered[0], len(ordered) - 1
    place = file if first.line is None else f"{file}, line {first.line}"
    others = f" (and {more} more problem{'s' if more > 1 else ''})" if more else ""
    told = [
        {"line": problem.line, "text": problem.text, **({"hint": problem.hint} if problem.hint else {})}
        for problem in ordered[:_MOST_TOLD]
    ]
    data: dict[str, object] = {"file": file, "line": first.line, "problems": told}
    return ProjectInvalid(f"{place}: {first.text}{others}", hint=first.hint, data=data)


def together(file: str, errors: Sequence[ProjectInvalid], more: Sequence[Problem] = ()) -> ProjectInvalid:
    """One error that tells all of them; what is wrong in another file has its place in the text."""
    if len(errors) == 1 and not more:
        return errors[0]
    return invalid(file, *(problem for error in errors for problem in _told(file, error)), *more)


def _told(file: str, error: ProjectInvalid) -> list[Problem]:
    told = error.data.get("problems")
    if error.data.get("file") != file or not isinstance(told, list):
        return [Problem(error.message, None, error.hint)]
    return [Problem(each["text"], each["line"], each.get("hint", "")) for each in told]
