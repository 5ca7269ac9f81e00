"""JSON Schemas in words, for the reference page."""

from __future__ import annotations

from html import escape
from typing import Any

__all__ = ["type_in_words"]

_PLURALS = {"string": "texts", "integer": "whole numbers", "number": "numbers"}
_KINDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}


def type_in_words(schema: Any) -> str:
    """What a value is, as HTML: ``list of text, 1 to 64 long``."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#type-{name}">{name}</a>'
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(type_in_words(part) for part in schema[several])
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    return _by_type(schema)


def _by_type(schema: Any) -> str:
    kind = schema.get("type", "anything")
    if isinstance(kind, list):
        return " or ".join(_by_type({**schema, "type": each}) if each == "object" else _KINDS[each] for each in kind)
    if kind == "array":
        return f"list of {_several(schema['items'])}"
    if kind == "object":
        return _object(schema)
    return _KINDS.get(kind, "anything") + _range(schema)


def _object(schema: Any) -> str:
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        return f"object of {_several(values)}"
    names = schema.get("properties", {})
    return f"object: {', '.join(f'<code>{escape(name)}</code>' for name in names)}" if names else "object"


def _several(schema: Any) -> str:
    if schema.get("type") == "array":
        return f"lists of {_several(schema['items'])}"
    kind = schema.get("type")
    plain = isinstance(kind, str) and "enum" not in schema
    return _PLURALS.get(kind) or type_in_words(schema) if plain else type_in_words(schema)


def _range(schema: Any) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    unit = ""
    if schema.get("type") == "string":
        least, most, unit = schema.get("minLength"), schema.get("maxLength"), " characters"
    # A limit that nobody meets says nothing.
    if most is None or most >= 2**31:
        return ""
    return f', <span class="quiet">{_number(least or 0)} to {_number(most)}{unit}</span>'


def _number(value: float) -> str:
    return f"{value:,}".replace(",", "\u202f")
