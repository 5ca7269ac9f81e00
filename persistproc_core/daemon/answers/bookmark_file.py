"""The file of marks. It is replaced as a whole, so a reader finds the old marks or the new ones."""

from __future__ import annotations

import json
from typing import NamedTuple

from .. import replaced_file
from ..logs.segments import Offsets

__all__ = ["Bookmarked", "Kept", "load", "write"]

_FORMAT = 1


class Bookmarked(NamedTuple):
    """One mark as it is kept."""

    name: str
    time_ns: int
    number: int
    """Grows with each mark of the project."""
    places: dict[str, Offsets]
    """Of the runs that were live, by run id."""


class Kept(NamedTuple):
    """The marks of one project, oldest first."""

    marks: tuple[Bookmarked, ...] = ()
    ended: dict[str, tuple[Offsets, int]] = {}  # noqa: RUF012 - never changed
    """Where runs ended that are gone, and the number of the first mark that found them so."""


def load(path: str) -> tuple[dict[str, Kept], str]:
    """The marks by project, and what is wrong with the file: then it is set aside. Raises `OSError`."""
    found, problem = replaced_file.read_json(path, _from_json)
    return found or {}, problem


def write(path: str, projects: dict[str, Kept]) -> None:
    """Replace the file. Raises `OSError`; the old one is there then."""
    content = json.dumps({"format": _FORMAT, "projects": {name: _to_json(kept) for name, kept in projects.items()}})
    replaced_file.replace(path, content.encode("ascii"))


def _to_json(kept: Kept) -> dict[str, object]:
    return {
        "marks": [[mark.name, mark.time_ns, mark.number, mark.places] for mark in kept.marks],
        "ended": {run_id: [*place, number] for run_id, (place, number) in kept.ended.items()},
    }


def _from_json(value: dict[str, object]) -> dict[str, Kept]:
    if value["format"] != _FORMAT:
        raise ValueError(f"format {value['format']!r} is of another version")
    projects = _mapping(value["projects"])
    return {project: _kept(_mapping(each)) for project, each in projects.items()}


def _kept(value: dict[str, object]) -> Kept:
    marks = []
    for name, time_ns, number, places in map(_list, _list(value["marks"])):
        offsets = {run_id: Offsets(*map(_number, _list(at))) for run_id, at in _mapping(places).items()}
        marks.append(Bookmarked(_text(name), _number(time_ns), _number(number), offsets))
    ended = {}
    for run_id, place in _mapping(value["ended"]).items():
        stdout, stderr, number = map(_number, _list(place))
        ended[run_id] = Offsets(stdout, stderr), number
    return Kept(tuple(marks), ended)


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError("an object was expected")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError("a list was expected")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text was expected")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("a number was expected")
    return value
