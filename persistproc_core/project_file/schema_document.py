"""The JSON Schema of the file (draft 7), for editors that complete and check TOML by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_origin

from typing_extensions import is_typeddict

from ..schema import json_schema
from ..validation import Field, fields, members
from .declared import PROCESS_KEYS, TOP_KEYS
from .shape import is_duration, is_size, items_of

__all__ = ["schema_document"]

_DURATION: Final[dict[str, object]] = {"type": "string", "pattern": "^ *[0-9][0-9. smhdwSMHDW]*$"}
_SIZE: Final[dict[str, object]] = {"type": "string", "pattern": "^ *[0-9]+(\\.[0-9]+)? ?[KMGTPkmgtp]?[Ii]?[Bb]? *$"}
_TEXTS: Final = {"ready": "^(port|completed|https?://.+)$", "liveness": "^(port|https?://.+)$"}
_EXAMPLES: Final[dict[str, list[object]]] = {
    "command": ["npm run dev"],
    "env_files": [[".env"]],
    "needs": [["db"], {"migrate": "completed"}],
    "port": ["auto", 3000, {"prefer": 3000}],
    "ports": [{"web": "auto", "debug": 9229}],
    "ready": ["port", "completed", "http://127.0.0.1:{port}/", {"output": "ready in"}],
    "liveness": ["http://127.0.0.1:{port}/health"],
    "watch": [["src/**/*.py"]],
    "stop_grace_seconds": [30, "30s"],
}


def schema_document() -> dict[str, object]:
    """The schema of ``persistproc.toml``; what stands under ``tool.persistproc`` in pyproject.toml is the same."""
    process = _object(PROCESS_KEYS, "A process.")
    for name, examples in _EXAMPLES.items():
        process["properties"][name]["examples"] = examples
    top = _object(TOP_KEYS, "The processes of a project: persistproc up starts them.")
    top["properties"]["processes"] = {
        "type": "object",
        "description": TOP_KEYS["processes"].text,
        "additionalProperties": {"$ref": "#/definitions/process"},
        "minProperties": 1,
    }
    top["required"] = ["processes"]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "persistproc.toml",
        **top,
        "definitions": {"process": process},
    }


def _object(keys: Mapping[str, Field], description: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": {name: _property(name, field) for name, field in keys.items() if name != "processes"},
        "required": [name for name, field in keys.items() if field.required],
        "additionalProperties": False,
    }


def _property(name: str, field: Field) -> dict[str, object]:
    kinds: list[dict[str, object]] = [_kind(name, kind, field) for kind in members(field.type)]
    if is_duration(name):
        kinds.append(_DURATION)
    if is_size(name):
        kinds.append(_SIZE)
    found: dict[str, object] = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    if field.text:
        found = {"description": field.text, **found}
    return found


def _kind(name: str, kind: Any, field: Field) -> dict[str, object]:
    """Of one type: what holds tables is taken apart, for in them durations may be text as well."""
    if is_typeddict(kind):
        return _object(fields(kind), " ".join((kind.__doc__ or "").split()))
    items = items_of(field, kind)
    if items is not None:
        if get_origin(kind) is dict:
            return {"type": "object", "additionalProperties": _property("", items)}
        return {"type": "array", "items": _property("", items)}
    if kind is str and name in _TEXTS:
        return {"type": "string", "pattern": _TEXTS[name]}
    return json_schema(kind, field.allowed)
