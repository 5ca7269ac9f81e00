"""What the OpenAPI document says about what is not of the protocol: ``/rpc``, ``/health`` and the form of errors."""

from __future__ import annotations

from typing import Any

from persistproc_core import errors
from persistproc_core.protocol import MAX_BATCH
from persistproc_core.schema import json_schema

from ..settings import About

__all__ = [
    "BODY_REFUSALS",
    "Document",
    "health_operation",
    "json_content",
    "own_schemas",
    "refusals",
    "rpc_operation",
]

Document = dict[str, Any]

BODY_REFUSALS: Document = {
    "413": {"$ref": "#/components/responses/body_too_large"},
    "415": {"$ref": "#/components/responses/not_json"},
}
"""How the guard answers a POST whose body it does not let through."""


def refusals() -> Document:
    """What `BODY_REFUSALS` refers to, by name."""
    error = json_content(_reference("Error"))
    return {
        "body_too_large": {"description": "The body is longer than 1 MiB.", **error},
        "not_json": {"description": "Content-Type is not application/json.", **error},
    }


def rpc_operation() -> Document:
    """``POST /rpc``."""
    request = {"$ref": "#/components/schemas/Request"}
    replies = {"oneOf": [_reference("Reply"), {"type": "array", "items": _reference("Reply")}]}
    refused = {"anyOf": [_reference("Reply"), _reference("Error")]}
    batch = {"type": "array", "items": request, "minItems": 1, "maxItems": MAX_BATCH}
    return {
        "operationId": "rpc",
        "summary": "Call methods of the socket (JSON-RPC 2.0).",
        "description": "One request, or a batch. Errors of methods come with status 200. `rpc.discover` tells about "
        "the methods; those that subscribe are the streams here.",
        "tags": ["JSON-RPC"],
        "requestBody": {"required": True, **json_content({"oneOf": [request, batch]})},
        "responses": {
            "200": {"description": "What was answered.", **json_content(replies)},
            "204": {"description": "There were notifications alone."},
            "400": {"description": "This is no request.", **json_content(refused)},
            **BODY_REFUSALS,
            "503": {"description": "The bridge ends: ask again.", **json_content(_reference("Error"))},
        },
    }


def health_operation() -> Document:
    """``GET /health``."""
    return {
        "operationId": "health",
        "summary": "Tell about the bridge.",
        "description": "Cheap. It never starts a daemon.",
        "tags": ["bridge"],
        "responses": {"200": {"description": "It is there.", **json_content(_reference("Health"))}},
    }


def own_schemas() -> Document:
    """The schemas that are not of the protocol, by name."""
    text, whole = {"type": "string"}, {"type": "integer"}
    codes = [cls.code for cls in errors.error_classes()]
    error = {
        "code": {**text, "description": f"Tell errors apart by it: {', '.join(codes)}, and those of HTTP itself."},
        "message": {**text, "description": "What is wrong, in a sentence."},
        "hint": {**text, "description": "What to do next."},
    }
    wire = {"code": whole, "message": text, "data": {"type": "object"}}
    request_id = {"type": ["string", "number", "null"]}
    return {
        "Error": _object({"error": _object(error, ["code", "message"])}, ["error"]),
        "Health": json_schema(About),
        "Request": {
            **_object(
                {
                    "jsonrpc": {"const": "2.0"},
                    "method": {**text, "description": "See rpc.discover."},
                    "params": {"type": "object", "description": "By name."},
                    "id": {**request_id, "maxLength": 64, "minimum": -(2**53), "maximum": 2**53},
                },
                ["jsonrpc", "method"],
            ),
            "additionalProperties": False,
        },
        "Reply": _object(
            {
                "jsonrpc": {"const": "2.0"},
                "id": request_id,
                "result": {},
                "error": _object(wire, ["code", "message"]),
            },
            ["jsonrpc", "id"],
        ),
    }


def _object(properties: Document, required: list[str]) -> Document:
    return {"type": "object", "properties": properties, "required": required}


def _reference(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def json_content(schema: Document) -> Document:
    """A body that is JSON."""
    return {"content": {"application/json": {"schema": schema}}}
