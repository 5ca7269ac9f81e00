"""The parameters of a request, out of its path, its query and its body, typed by the protocol's declaration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args, get_origin
from urllib.parse import parse_qsl

from typing_extensions import is_typeddict

from persistproc_core.errors import InvalidParams
from persistproc_core.framing import decode
from persistproc_core.protocol import METHODS, Method
from persistproc_core.validation import fields, members, validate_params

from ..aliases import meant

__all__ = ["checked", "from_body", "from_query", "validated"]

_MOST_FIELDS = 200
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{0,18})?")
_TRUTHS = {"true": True, "1": True, "yes": True, "": True, "false": False, "0": False, "no": False}


def checked(
    method: str, given: Mapping[str, object], named: Mapping[str, str], left_out: tuple[str, ...] = ()
) -> dict[str, object]:
    """The parameters of a call: what the path names, and what else is given. Raises `InvalidParams`."""
    for name in named:
        if name in given:
            raise InvalidParams(f"{name} is in the path already", hint="leave it out", data={"parameter": name})
    for name in left_out:
        if name in given:
            raise InvalidParams(f"{name} is not taken here", hint=f"POST /rpc takes it, with {method}")
    declared = fields(METHODS[method].params)
    in_path = {name: _value(declared[name].type, text) for name, text in named.items()}
    return validated(METHODS[method], {**given, **in_path})


def validated(method: Method, params: object) -> dict[str, object]:
    """The parameters, which fit the method's declaration. Raises `InvalidParams`, which knows what ``cwd`` means."""
    try:
        return validate_params(method, params)
    except InvalidParams as error:
        error.hint = _use_instead(method, params, error.message) or error.hint
        raise


def _use_instead(method: Method, params: object, problem: str) -> str:
    known = fields(method.params)
    unknown = [name for name in params if name not in known] if isinstance(params, dict) else []
    # The first unknown one is the one that was refused, unless another parameter came before it with a wrong value.
    if not unknown or problem != f"{method.name} has no parameter {unknown[0]}":
        return ""
    near = meant(unknown[0], known)
    return f"did you mean {near}?" if near else ""


def from_query(method: str, query: bytes, also: Mapping[str, str] | None = None) -> dict[str, object]:
    """The fields of a query; a list is a name given several times, an object JSON. Raises `InvalidParams`.

    ``also``: other names of parameters. What does not have its type stays the text that it is: `checked` says what it
    should be.
    """
    declared = fields(METHODS[method].params)
    found: dict[str, object] = {}
    for written, text in _pairs(query):
        name = (also or {}).get(written, written)
        hint = declared[name].type if name in declared else str
        kinds = [get_origin(member) or member for member in members(hint)]
        if list in kinds and str not in kinds:
            items = found.setdefault(name, [])
            assert isinstance(items, list)
            items.append(_value(get_args(hint)[0], text))
        elif name in found:
            raise InvalidParams(f"{name} is given twice", hint="once is enough", data={"parameter": name})
        else:
            found[name] = _value(hint, text)
    return found


def from_body(body: bytes) -> dict[str, object]:
    """The object in a body; nothing is an empty one. Raises `ParseError`, `InvalidRequest`, `InvalidParams`."""
    if not body.strip():
        return {}
    value = decode(body)
    if not isinstance(value, dict):
        raise InvalidParams("the body is a JSON object", hint='for example {"timeout_seconds": 10}, or nothing at all')
    return value


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        text = query.decode("ascii")
        return parse_qsl(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise InvalidParams(f"the query is no query, or has more than {_MOST_FIELDS} fields") from None


def _value(hint: object, text: str) -> object:
    kinds = members(hint)
    if str in kinds:
        return text
    if bool in kinds:
        return _TRUTHS.get(text.lower(), text)
    if float in kinds and _NUMBER.fullmatch(text):
        return float(text)
    if int in kinds and _WHOLE.fullmatch(text):
        return int(text)
    if any(get_origin(kind) is dict or is_typeddict(kind) for kind in kinds) and text.startswith("{"):
        return decode(text.encode("utf-8", "surrogateescape"))
    return text
