"""Pieces of input schemas: as lean as every client takes them, for the model pays for each word with every request."""

from __future__ import annotations

__all__ = ["Properties", "choice", "flag", "integer", "number", "schema", "text", "texts", "variables"]

Properties = dict[str, dict[str, object]]


def schema(properties: Properties, *required: str) -> dict[str, object]:
    """An object that admits nothing else (JSON Schema 2020-12, the dialect of MCP)."""
    made: dict[str, object] = {"type": "object", "properties": properties}
    if required:
        made["required"] = list(required)
    made["additionalProperties"] = False
    return made


def text(description: str = "") -> dict[str, object]:
    """A text."""
    return _described({"type": "string"}, description)


def choice(*choices: str, description: str = "") -> dict[str, object]:
    """One of some words."""
    return _described({"type": "string", "enum": list(choices)}, description)


def flag(description: str = "") -> dict[str, object]:
    """True or false."""
    return _described({"type": "boolean"}, description)


def integer(description: str = "", *, most: int | None = None) -> dict[str, object]:
    """A whole number. That it is not negative needs no word: the daemon says so to who tries."""
    return _described({"type": "integer", **({} if most is None else {"maximum": most})}, description)


def number(description: str = "", *, most: float) -> dict[str, object]:
    """A number."""
    return _described({"type": "number", "maximum": most}, description)


def texts(description: str = "") -> dict[str, object]:
    """A list of texts."""
    return _described({"type": "array", "items": {"type": "string"}}, description)


def variables(description: str = "") -> dict[str, object]:
    """Names and texts."""
    return _described({"type": "object", "additionalProperties": {"type": "string"}}, description)


def _described(made: dict[str, object], description: str) -> dict[str, object]:
    return {**made, "description": description} if description else made
