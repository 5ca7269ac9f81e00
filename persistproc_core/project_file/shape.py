"""The first look at a file: are its keys known, and their values of the right kind.

What is found is noted, each thing with its line. Durations and sizes that are written as text become numbers here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast, get_args, get_origin

from typing_extensions import is_typeddict

from ..durations import parse_duration
from ..process_names import problem_of_name
from ..protocol import Allowed
from ..sizes import parse_size
from ..validation import Field, fields, members, nearest, problem_in
from .declared import PROCESS_KEYS, TOP_KEYS
from .places import Path
from .problems import MAX_PROCESSES
from .source import Source

__all__ = ["is_duration", "is_size", "items_of", "read_shape"]


def read_shape(source: Source, document: Mapping[str, object]) -> dict[str, object]:
    """The table, with times and sizes as numbers. Only when nothing was noted is it what is declared."""
    rest = {key: value for key, value in document.items() if key != "processes"}
    found = _table(source, rest, TOP_KEYS, ())
    processes = document.get("processes", {})
    if not isinstance(processes, dict):
        source.wrong(
            ("processes",), "must be a table of processes", "write [processes.web] and the keys of web below it"
        )
        return found
    if not processes:
        source.wrong((), "there is no process in it", 'write [processes.web] and below it command = "..."')
    if len(processes) > MAX_PROCESSES:
        source.wrong(("processes",), f"must be at most {MAX_PROCESSES}")
        return found
    found["processes"] = {name: _process(source, name, table) for name, table in processes.items()}
    return found


def is_duration(key: str) -> bool:
    """Whether the value may be written as a duration."""
    return key.endswith("_seconds")


def is_size(key: str) -> bool:
    """Whether the value may be written as a size."""
    return key.endswith("_bytes")


def _process(source: Source, name: str, table: object) -> dict[str, object]:
    path = ("processes", name)
    problem = problem_of_name(name)
    if problem:
        source.wrong(path, f"cannot be the name of a process: {problem}", "use letters, digits and . _ : @ + -")
    if not isinstance(table, dict):
        source.wrong(path, "must be a table", f'write [processes.{name}] and below it command = "..."')
        return {}
    return _table(source, table, PROCESS_KEYS, path)


def _table(source: Source, table: Mapping[str, object], known: Mapping[str, Field], path: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in table.items():
        field = known.get(key)
        if field is None:
            _unknown(source, path, key, value, known)
        else:
            found[key] = _value(source, field, value, (*path, key))
    misspelt = {nearest(key, known) for key in table if key not in known}
    for key, field in known.items():
        if field.required and key not in table and nearest(key, [key]) not in misspelt:
            source.wrong(path, f"has no {key}")
    return found


def _unknown(source: Source, path: Path, key: str, value: object, known: Mapping[str, Field]) -> None:
    hint = nearest(key, known)
    if not path and not hint and isinstance(value, dict) and "command" in value:
        hint = f"write [processes.{key}]"
    words = f"has no key {key[:60]}" if path else f"there is no key {key[:60]}"
    source.wrong(path, words, hint or f"its keys are {', '.join(known)}", at=(*path, key))


def _value(source: Source, field: Field, value: object, path: Path) -> object:
    """Into tables, so that each thing in them is noted with its own line; what is no table is checked as a whole."""
    for member in members(field.type):
        inner = items_of(field, member)
        if isinstance(value, dict) and is_typeddict(member):
            return _table(source, value, fields(cast("type", member)), path)
        if isinstance(value, dict) and get_origin(member) is dict and inner is not None:
            return {key: _value(source, inner, item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list) and get_origin(member) is list and inner is not None and len(value) <= 100:
            return [_value(source, inner, item, (*path, index)) for index, item in enumerate(value)]
    value = _number(source, value, path)
    problem = problem_in(field, value)
    if problem is not None:
        text = problem.text.replace(" an object", " a table")
        text = text.replace("one of auto", "auto or a number" if text.endswith("auto") else "auto")
        source.wrong((*path, *_parts(problem.path)), text, _hint(field, value, path) or problem.hint)
    return value


def _parts(path: str) -> Path:
    """``[1]`` is an item of a list; else it is a key."""
    if path.startswith("["):
        return (int(path[1:].partition("]")[0]),)
    return (path,) if path else ()


def items_of(field: Field, member: Any) -> Field | None:
    """What the items of a list or table are, where there are tables among them; else None."""
    origin = get_origin(member)
    if origin not in (list, dict) or not any(is_typeddict(one) for one in members(get_args(member)[-1])):
        return None
    # The limits of a list are those of its length; a table has none, so there they are those of its values.
    return Field(get_args(member)[-1], "", field.allowed if origin is dict else Allowed(), False)


def _number(source: Source, value: object, path: Path) -> object:
    key = str(path[-1])
    if not isinstance(value, str) or not (is_duration(key) or is_size(key)):
        return value
    try:
        return parse_duration(value) if is_duration(key) else parse_size(value)
    except ValueError:
        example = "90s, 2m, 1h30m or a number of seconds" if is_duration(key) else "64M, 2G or a number of bytes"
        source.wrong(path, "cannot be read", f"write {example}")
        return 1


def _hint(field: Field, value: object, path: Path) -> str:
    kinds = members(field.type)
    if isinstance(value, str) and str not in kinds and any(get_origin(kind) is list for kind in kinds):
        return f'write {path[-1]} = ["{value[:60]}"]' if value.isprintable() else ""
    if Literal["auto"] in kinds and not isinstance(value, int):
        return 'write a number, "auto", or a table such as { prefer = 3000 }'
    return "write it as text, in quotes" if path[-1] == "environment" else ""
