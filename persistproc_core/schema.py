"""JSON Schemas and the OpenRPC document (``rpc.discover``), made from the declaration in `persistproc_core.protocol`.

The document follows the OpenRPC specification 1.3.2 (https://spec.open-rpc.org); its schemas are JSON Schema draft 7.
"""

from __future__ import annotations

import inspect
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from typing_extensions import is_typeddict

from . import errors, protocol
from .protocol import Allowed, Method, Notification
from .validation import Field, fields, members, validate_params

__all__ = ["json_schema", "openrpc_document", "validate_params"]

_NAMES = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
_RANGES = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
}


def json_schema(declared: Any, allowed: Allowed = Allowed()) -> dict[str, object]:  # noqa: B008 - immutable
    """The JSON Schema (draft 7) of a type of the protocol, in a range, complete in itself.

    Objects admit no other fields, as the daemon refuses parameters that it does not know.
    """
    return _schema(declared, allowed, None)


def openrpc_document(version: str) -> dict[str, object]:
    """The OpenRPC document of this daemon; ``version`` is the daemon's."""
    shared: dict[str, object] = {}
    methods = [_method(method, shared) for method in protocol.METHODS.values()]
    notifications = [_notification(notification, shared) for notification in protocol.NOTIFICATIONS.values()]
    return {
        "openrpc": "1.3.2",
        "info": {
            "title": "persistproc",
            "description": _clean(protocol.__doc__),
            "version": version,
            "license": {"name": "MIT"},
        },
        "methods": methods,
        "components": {"schemas": shared, "errors": {cls.code: _error(cls) for cls in errors.error_classes()}},
        "x-protocol-version": protocol.PROTOCOL_VERSION,
        "x-notifications": notifications,
        "x-limits": {name: {"value": value, "meaning": text} for name, (value, text) in protocol.LIMITS.items()},
    }


def _notification(notification: Notification, shared: dict[str, object]) -> dict[str, object]:
    return {
        "name": notification.name,
        "summary": notification.summary,
        "params": _reference(notification.params, shared),
    }


def _method(method: Method, shared: dict[str, object]) -> dict[str, object]:
    # Any method may be called wrongly, and may run into a defect.
    raised: list[type[errors.PersistprocError]] = [errors.InvalidParams, errors.InternalError, *method.errors]
    name = method.result.__name__ if is_typeddict(method.result) else "document"
    return {
        "name": method.name,
        "summary": method.summary,
        "description": _clean(method.params.__doc__),
        "paramStructure": "by-name",
        "params": [_descriptor(name, field) for name, field in _required_first(method.params)],
        "result": {"name": name, "schema": _schema(method.result, Allowed(), shared)},
        "errors": [{"$ref": f"#/components/errors/{cls.code}"} for cls in raised],
    }


def _required_first(declared: type) -> list[tuple[str, Field]]:
    # OpenRPC, "Method Object": required parameters come before optional ones.
    return sorted(fields(declared).items(), key=lambda item: not item[1].required)


def _descriptor(name: str, field: Field) -> dict[str, object]:
    schema = _schema(field.type, field.allowed, None)
    return {"name": name, "description": field.text, "required": field.required, "schema": schema}


def _error(cls: type[errors.PersistprocError]) -> dict[str, object]:
    return {"code": cls.rpc_code, "message": _clean(cls.__doc__), "data": {"error": cls.code}}


def _schema(hint: Any, allowed: Allowed, shared: dict[str, object] | None) -> dict[str, object]:
    """With ``shared``, objects are collected there and referred to, and may have more fields than declared."""
    parts = [_one(member, allowed, shared) for member in members(hint)]
    if len(parts) == 1:
        return parts[0]
    if all(set(part) == {"type"} for part in parts):
        return {"type": [part["type"] for part in parts]}
    return {"anyOf": parts}


def _one(hint: Any, allowed: Allowed, shared: dict[str, object] | None) -> dict[str, object]:
    origin = get_origin(hint)
    if hint in _NAMES:
        return _ranged({"type": _NAMES[hint]}, allowed)
    if origin is Literal:
        return {"type": "string", "enum": list(get_args(hint))}
    if origin is list:
        return _ranged({"type": "array", "items": _schema(get_args(hint)[0], Allowed(), shared)}, allowed)
    if origin is dict:
        values = get_args(hint)[1]
        return {"type": "object", "additionalProperties": values is Any or _schema(values, Allowed(), shared)}
    if is_typeddict(hint):
        return _object(hint, None) if shared is None else _reference(hint, shared)
    raise TypeError(f"no JSON type for {hint!r}")


def _ranged(schema: dict[str, object], allowed: Allowed) -> dict[str, object]:
    limits = zip(_RANGES.get(str(schema["type"]), ()), allowed, strict=False)
    return schema | {keyword: limit for keyword, limit in limits if limit is not None}


def _reference(declared: type, shared: dict[str, object]) -> dict[str, object]:
    name = declared.__name__
    if name not in shared:
        shared[name] = {}  # first the place, so that what is found inside comes after it
        shared[name] = _object(declared, shared)
    return {"$ref": f"#/components/schemas/{name}"}


def _object(declared: type, shared: dict[str, object] | None) -> dict[str, object]:
    schema: dict[str, object] = {"type": "object", "description": _clean(declared.__doc__)}
    schema["properties"] = {name: _property(field, shared) for name, field in fields(declared).items()}
    schema["required"] = [name for name, field in fields(declared).items() if field.required]
    if shared is None:
        schema["additionalProperties"] = False
    return schema


def _property(field: Field, shared: dict[str, object] | None) -> dict[str, object]:
    schema = _schema(field.type, field.allowed, shared)
    if not field.text:
        return schema
    if "$ref" in schema:
        # Beside a $ref everything else is ignored (draft 7, section 8.3).
        return {"allOf": [schema], "description": field.text}
    return {**schema, "description": field.text}


def _clean(text: str | None) -> str:
    return inspect.cleandoc(text or "")
