"""The validator of each method's parameters, compiled from the declaration in `persistproc_core.protocol`.

A validator is compiled once and kept. A small call then takes some microseconds, where a general JSON Schema
validator takes 600. JSON Schemas and the OpenRPC document are made in `persistproc_core.schema`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, Union, get_args, get_origin

from typing_extensions import NotRequired, Required, get_type_hints, is_typeddict

from .errors import InvalidParams
from .protocol import Allowed, Method

__all__ = ["Field", "Problem", "fields", "members", "nearest", "problem_in", "problem_of", "shown", "validate_params"]


class Field(NamedTuple):
    """One field of a declared object."""

    type: Any
    text: str
    allowed: Allowed
    required: bool


@cache
def fields(declared: type) -> dict[str, Field]:
    """The fields of a ``TypedDict`` of the protocol, in the order of their declaration."""
    hints = get_type_hints(declared, include_extras=True)
    by_default: frozenset[str] = getattr(declared, "__required_keys__", frozenset())
    return {name: _field(hint, name in by_default) for name, hint in hints.items()}


def _field(hint: Any, required: bool) -> Field:
    text, allowed = "", Allowed()
    while (origin := get_origin(hint)) in (Required, NotRequired, Annotated):
        if origin is Annotated:
            hint, *notes = get_args(hint)
            text = next((note for note in notes if isinstance(note, str)), text)
            allowed = next((note for note in notes if isinstance(note, Allowed)), allowed)
        else:
            required = origin is Required
            (hint,) = get_args(hint)
    return Field(hint, text, allowed, required)


def members(hint: Any) -> tuple[Any, ...]:
    """The types that a type allows: those of a union, else itself."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def validate_params(method: Method, params: object) -> dict[str, object]:
    """The parameters of a call, as they are, once they are known to fit the declaration.

    ``params`` is a decoded JSON value; None means that there were none. Raises `InvalidParams` with one sentence that
    names the parameter and never shows a value: it may be a secret.
    """
    if params is None or params == []:
        params = {}
    if isinstance(params, list):
        raise InvalidParams(f"{method.name} takes its parameters by name, not by position", hint=_takes(method.params))
    if not isinstance(params, dict):
        raise InvalidParams(f"the parameters of {method.name} must be an object, not {_kind(params)}")
    problem = _object(method.params)(params)
    if problem is None:
        return params
    data: dict[str, object] = {"parameter": problem.path} if problem.path else {}
    subject = problem.path or method.name
    raise InvalidParams(f"{subject} {problem.text}", hint=problem.hint, data=data)


def problem_of(declared: type, value: object) -> str | None:
    """What is wrong with a decoded JSON value that is to be such a ``TypedDict``, in words; None: nothing is."""
    problem = _value(declared)(value)
    return None if problem is None else f"{problem.path} {problem.text}".strip()


def problem_in(field: Field, value: object) -> Problem | None:
    """What is wrong with a decoded value that is to be that of a field; None: nothing is."""
    return _check_of(field)(value)


# --- the compiler: a type becomes a table from the Python types of JSON values to checks ----------------------------


class Problem(NamedTuple):
    """What is wrong, and where: the path is empty for the value itself."""

    text: str
    hint: str = ""
    path: str = ""

    def inside(self, part: str) -> Problem:
        dot = "." if self.path and not self.path.startswith("[") else ""
        return self._replace(path=f"{part}{dot}{self.path}")


_Check: TypeAlias = "Callable[[Any], Problem | None]"


@cache
def _check_of(field: Field) -> _Check:
    return _value(field.type, field.allowed)


def _value(hint: Any, allowed: Allowed = Allowed()) -> _Check:  # noqa: B008 - immutable
    # By exact type: True is an int in Python, but it is no number in JSON.
    table: dict[type, _Check] = {}
    for member in members(hint):
        table.update(_checks(member, allowed))
    wanted = _one_of([_wanted(member) for member in members(hint)])

    def check(value: object) -> Problem | None:
        checker = table.get(type(value))
        if checker is None:
            return Problem(f"must be {wanted}, not {_kind(value)}")
        return checker(value)

    return check


def _checks(hint: Any, allowed: Allowed) -> dict[type, _Check]:
    origin = get_origin(hint)
    if hint is str:
        return {str: _text(allowed)}
    if hint is bool or hint is NoneType:
        return {hint: _anything}
    if hint is int:
        return {int: _number(allowed)}
    if hint is float:
        return {int: _number(allowed), float: _number(allowed)}
    if origin is Literal:
        return {str: _choice(get_args(hint))}
    if origin is list:
        return {list: _list(get_args(hint)[0], allowed)}
    if origin is dict:
        return {dict: _mapping(get_args(hint)[1])}
    if is_typeddict(hint):
        return {dict: _object(hint)}
    raise TypeError(f"no JSON type for {hint!r}")


def _anything(value: object) -> None:
    return None


def _text(allowed: Allowed) -> _Check:
    outside = _outside(allowed)
    trouble = Problem(_range_text(allowed, "character"))
    empty = Problem("must not be empty")

    def check(value: str) -> Problem | None:
        if outside(len(value)):
            return trouble if value else empty
        return _unusable(value)

    return check


def _unusable(value: str) -> Problem | None:
    # Arguments, paths and variables end at a NUL (execve(2)), so it would silently cut the rest off.
    if "\0" in value:
        return Problem("must not contain a NUL character")
    if not value.isascii():
        try:
            value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            # U+DC80 to U+DCFF stand for bytes that are no UTF-8 (PEP 383); other lone surrogates for nothing at all.
            return Problem("must not contain a lone surrogate")
    return None


def _number(allowed: Allowed) -> _Check:
    outside = _outside(allowed)
    trouble = Problem(_range_text(allowed, ""))

    def check(value: float) -> Problem | None:
        if value != value or value in (math.inf, -math.inf):  # 1e999 is JSON, and inf in Python
            return Problem("must be a finite number")
        return trouble if outside(value) else None

    return check


def _choice(choices: tuple[str, ...]) -> _Check:
    names = ", ".join(choices)

    def check(value: str) -> Problem | None:
        if value in choices:
            return None
        return Problem(f"must be one of {names}", nearest(value, choices))

    return check


def _list(item_hint: Any, allowed: Allowed) -> _Check:
    outside = _outside(allowed)
    trouble = Problem(_range_text(allowed, "item"))
    empty = Problem("must not be empty")
    check_item = _value(item_hint)

    def check(value: list[object]) -> Problem | None:
        if outside(len(value)):
            return trouble if value else empty
        for index, item in enumerate(value):
            problem = check_item(item)
            if problem is not None:
                return problem.inside(f"[{index}]")
        return None

    return check


def _mapping(value_hint: Any) -> _Check:
    check_value = _value(value_hint)

    def check(value: dict[str, object]) -> Problem | None:
        for key, item in value.items():
            problem = _unusable(key) or check_value(item)
            if problem is not None:
                return problem.inside(shown(key))
        return None

    return check


@cache
def _object(declared: type) -> _Check:
    known = {name: _value(field.type, field.allowed) for name, field in fields(declared).items()}
    required = [name for name, field in fields(declared).items() if field.required]

    def check(value: dict[str, object]) -> Problem | None:
        for key, item in value.items():
            checker = known.get(key)
            if checker is None:
                return Problem(f"has no parameter {shown(key)}", nearest(key, known) or _takes(declared))
            problem = checker(item)
            if problem is not None:
                return problem.inside(key)
        for name in required:
            if name not in value:
                return Problem("is missing", path=name)
        return None

    return check


# --- words ----------------------------------------------------------------------------------------------------------

_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", NoneType: "null"}
_PLURALS = {str: "texts", int: "whole numbers", float: "numbers"}
_KINDS = {**_WORDS, int: "a number", bool: "a boolean", list: "a list", dict: "an object"}


def _wanted(hint: Any) -> str:
    if get_origin(hint) is list:
        return f"a list of {_PLURALS.get(get_args(hint)[0], 'items')}"
    if get_origin(hint) is Literal:
        return f"one of {', '.join(get_args(hint))}"
    return _WORDS.get(hint, "an object")


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "something else")


def _one_of(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _outside(allowed: Allowed) -> Callable[[float], bool]:
    least = -math.inf if allowed.least is None else allowed.least
    most = math.inf if allowed.most is None else allowed.most
    return lambda measure: not least <= measure <= most


def _range_text(allowed: Allowed, unit: str) -> str:
    least, most = (None if end is None else f"{end:.15g}" for end in allowed)
    verb = "have" if unit else "be"
    plural = f" {unit}s" if unit else ""
    if most is None:
        return f"must {verb} at least {least}{plural}"
    if least is None or (unit and least == "0"):
        return f"must {verb} at most {most}{plural}"
    return f"must {verb} between {least} and {most}{plural}" if not unit else f"must have {least} to {most}{plural}"


def shown(key: str) -> str:
    """A key as it can be told: short, and in one line."""
    return key if key.isprintable() and 0 < len(key) <= 60 else ascii(key[:60])


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at the known word that is most like this one; empty when none is."""
    import difflib

    near = difflib.get_close_matches(word[:100], list(known), 1)
    return f"did you mean {near[0]}?" if near else ""


def _takes(declared: type) -> str:
    names = ", ".join(fields(declared))
    return f"its parameters are {names}" if names else "it takes none"
