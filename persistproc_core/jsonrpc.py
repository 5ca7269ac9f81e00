"""The objects of JSON-RPC 2.0, as the socket and the bridge take and give them."""

from __future__ import annotations

from .errors import PersistprocError

__all__ = ["error_reply", "request_problem"]

_MAX_ID = 64


def request_problem(message: object) -> str:
    """What is wrong with a request object (JSON-RPC 2.0, section 4); empty when nothing is."""
    if not isinstance(message, dict):
        return "a request is an object"
    if message.get("jsonrpc") != "2.0":
        return 'a request has "jsonrpc": "2.0"'
    if not isinstance(message.get("method"), str):
        return "a request has a method, a text"
    if "params" in message and not isinstance(message["params"], dict | list):
        return "params is an object"
    if "id" in message and not _is_id(message["id"]):
        return f"an id is a number or a text of at most {_MAX_ID} characters"
    unknown = message.keys() - {"jsonrpc", "method", "params", "id"}
    return f"a request has no member {min(unknown)}" if unknown else ""


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _MAX_ID
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**63)


def error_reply(error: PersistprocError, request_id: object) -> dict[str, object]:
    """The reply that carries an error (section 5)."""
    return {"jsonrpc": "2.0", "error": error.to_wire(), "id": request_id}
