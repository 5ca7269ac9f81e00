"""A tool's arguments, read as leniently as their meaning is clear, and refused with what to give instead.

Everything is driven by the tool's input schema. Models write numbers as text and text as numbers, and name arguments
as other tools do; what they meant must never be dropped in silence.
"""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Callable, Mapping
from typing import cast

from persistproc_core.errors import InvalidParams

from ..aliases import meant
from .text.safe import quoted
from .tool import Tool

__all__ = ["read_arguments"]

_TRUE = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

_Schema = Mapping[str, object]


class _Wrong(Exception):
    """A value that does not fit: ``must be ...``."""


def read_arguments(tool: Tool, arguments: Mapping[str, object]) -> dict[str, object]:
    """The arguments, each of the declared type; what is null was not given.

    Raises `InvalidParams` with a sentence for each that is unknown, missing or wrong. No value is shown: it may be
    a secret.
    """
    declared = cast("Mapping[str, _Schema]", tool.input_schema["properties"])
    properties = {**declared, **tool.also_takes}
    problems = [_unknown(tool, properties, name) for name in arguments if name not in properties]
    read: dict[str, object] = {}
    for name, schema in properties.items():
        value = arguments.get(name)
        if value is None:
            continue
        try:
            read[name] = _READERS[cast("str", schema["type"])](_unwrapped(name, value), schema)
        except _Wrong as wrong:
            problems.append(f"{name} {wrong}")
    required = cast("list[str]", tool.input_schema.get("required", []))
    problems += [f"{name} is missing" for name in required if arguments.get(name) is None]
    if problems:
        raise InvalidParams(". ".join(problem.rstrip(".") for problem in problems))
    return read


# --- unknown ones ---------------------------------------------------------------------------------------------------


def _unknown(tool: Tool, properties: Mapping[str, _Schema], name: str) -> str:
    told = f"Unknown argument {quoted(name, 60)}"
    near = meant(name, properties)
    if near is None:
        return f"{told}; {tool.name} takes {', '.join(properties)}"
    return f"{told}; use {near}{_short(properties[near])}"


def _short(schema: _Schema) -> str:
    """What it takes, where that is not plain text: `` (a whole number from 1 to 1000)``."""
    if "enum" in schema or schema["type"] in ("integer", "number"):
        return f" ({_wanted(schema)})"
    return ""


# --- values ---------------------------------------------------------------------------------------------------------


def _unwrapped(name: str, value: object) -> object:
    """A list of one is that one; the words of a command are the command; auto is what a project's file calls port 0."""
    if name == "port" and value == "auto":
        return 0
    if isinstance(value, list) and value and all(isinstance(item, (str, int, float)) for item in value):
        if len(value) == 1:
            return value[0]
        if name == "command":
            return shlex.join(map(str, value))
    return value


def _text(value: object, schema: _Schema) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise _Wrong(f"must be {_wanted(schema)}, not {_kind(value)}")
    text = _as_text(value)
    choices = cast("list[str]", schema.get("enum", [text]))
    if text not in choices:
        raise _Wrong(f"must be {_wanted(schema)}")
    return text


def _number(value: object, schema: _Schema) -> float:
    number = math.nan
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        try:
            number = float(value.strip().removesuffix("s") if isinstance(value, str) else value)
        except (ValueError, OverflowError):
            pass  # told below
    if not math.isfinite(number):
        raise _Wrong(f"must be {_wanted(schema)}, not {_kind(value)}")
    if number > cast("float", schema.get("maximum", math.inf)):
        raise _Wrong(f"must be {_wanted(schema)}, not {number:.15g}")
    return number


def _integer(value: object, schema: _Schema) -> int:
    number = _number(value, schema)
    if number != int(number):
        raise _Wrong(f"must be {_wanted(schema)}, not {number:.15g}")
    return int(number)


def _flag(value: object, schema: _Schema) -> bool:
    if isinstance(value, bool):
        return value
    flag = _TRUE.get(str(value).strip().lower()) if isinstance(value, (str, int, float)) else None
    if flag is None:
        raise _Wrong(f"must be {_wanted(schema)}, not {_kind(value)}")
    return flag


def _variables(value: object, schema: _Schema) -> dict[str, str]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, dict):
        raise _Wrong("must be an object of variables and their values")
    read: dict[str, str] = {}
    for name, item in value.items():
        if isinstance(item, bool):
            read[name] = "true" if item else "false"
        elif isinstance(item, (str, int, float)):
            read[name] = _as_text(item)
        else:
            raise _Wrong(f"must have a text for {quoted(name, 60)}")
    return read


def _texts(value: object, schema: _Schema) -> list[str]:
    """``["web", "api"]``, also as text: ``web, api``."""
    if isinstance(value, str):
        value = _list_in(value)
    items = value if isinstance(value, list) else [value]
    return [_text(item, {"type": "string"}) for item in items]


def _list_in(text: str) -> list[object]:
    if text.lstrip().startswith("["):
        try:
            return cast("list[object]", json.loads(text))
        except (ValueError, RecursionError):
            pass  # a text like any other
    return [word for word in re.split(r"[,\s]+", text) if word]


_READERS: dict[str, Callable[[object, _Schema], object]] = {
    "string": _text,
    "number": _number,
    "integer": _integer,
    "boolean": _flag,
    "object": _variables,
    "array": _texts,
}


def _wanted(schema: _Schema) -> str:
    if "enum" in schema:
        return f"one of {', '.join(cast('list[str]', schema['enum']))}"
    words = {"string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false"}
    most = f", at most {schema['maximum']}" if "maximum" in schema else ""
    return words[cast("str", schema["type"])] + most


def _as_text(value: str | float) -> str:
    # 3000.0 is how some write the port 3000.
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "a boolean"
    kinds = {str: "text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return kinds.get(type(value), "something else")
