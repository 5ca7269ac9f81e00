"""``POST /rpc``: the methods of the socket, as they are, in JSON-RPC 2.0."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import Scope

from persistproc_core.client.wire import SUBSCRIBES
from persistproc_core.errors import InvalidParams, InvalidRequest, PersistprocError
from persistproc_core.framing import decode
from persistproc_core.protocol import MAX_BATCH, method_named

from ..hub import Hub
from .calling import call
from .failures import internal_error
from .parameters import validated
from .requests import json_reply

__all__ = ["answer"]

_MAX_ID = 64


async def answer(hub: Hub, scope: Scope, body: bytes) -> Response:
    """The reply to a body: 200 also for errors of methods, 204 when there is nothing to answer.

    400 for what is no request at all.
    """
    try:
        message = decode(body)
        if not isinstance(message, list):
            _check_request(message)
        elif not 0 < len(message) <= MAX_BATCH:
            raise InvalidRequest(f"a batch holds 1 to {MAX_BATCH} requests")
    except PersistprocError as error:
        return json_reply(_error(error, None), 400)
    if not isinstance(message, list):
        reply = await _answer_one(hub, scope, message)
        return Response(status_code=204) if reply is None else json_reply(reply)
    # One after the other, as on the socket.
    replies = [reply for element in message if (reply := await _answer_one(hub, scope, element)) is not None]
    return json_reply(replies) if replies else Response(status_code=204)


async def _answer_one(hub: Hub, scope: Scope, message: object) -> dict[str, object] | None:
    try:
        request = _check_request(message)
    except PersistprocError as error:
        return _error(error, None)
    try:
        result = await _result(hub, scope, request)
    except PersistprocError as error:
        reply = _error(error, request.get("id"))
    except Exception as error:
        reply = _error(internal_error(error), request.get("id"))
    else:
        reply = {"jsonrpc": "2.0", "result": result, "id": request.get("id")}
    # A request without an id is not answered, not even with an error (section 4.1).
    return reply if "id" in request else None


async def _result(hub: Hub, scope: Scope, request: dict[str, object]) -> object:
    method = method_named(str(request["method"]))
    if method.name in SUBSCRIBES:
        raise InvalidParams(
            f"{method.name} is about one connection to the daemon, and this is none",
            hint="GET /api/events and /api/output/stream are the same as a stream of events, or over a WebSocket",
        )
    return await call(hub, scope, method.name, validated(method, request.get("params")))


def _check_request(message: object) -> dict[str, object]:
    """The request object (JSON-RPC 2.0, section 4). Raises `InvalidRequest`."""
    if not isinstance(message, dict):
        raise InvalidRequest("a request is an object")
    problem = _problem(message)
    if problem:
        raise InvalidRequest(problem)
    return message


def _problem(message: dict[str, object]) -> str:
    if message.get("jsonrpc") != "2.0":
        return 'a request has "jsonrpc": "2.0"'
    if not isinstance(message.get("method"), str):
        return "a request has a method, a text"
    if "params" in message and not isinstance(message["params"], (dict, list)):
        return "params is an object"
    if "id" in message and not _is_id(message["id"]):
        return f"an id is a number or a text of at most {_MAX_ID} characters"
    unknown = message.keys() - {"jsonrpc", "method", "params", "id"}
    return f"a request has no member {min(unknown)}" if unknown else ""


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _MAX_ID
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**63)


def _error(error: PersistprocError, request_id: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "error": error.to_wire(), "id": request_id}
