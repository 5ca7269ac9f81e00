"""``POST /rpc``: the methods of the socket, as they are, in JSON-RPC 2.0."""

from __future__ import annotations

from typing import cast

from starlette.responses import Response
from starlette.types import Scope

from persistproc_core.client.wire import SUBSCRIBES
from persistproc_core.errors import InvalidParams, InvalidRequest, PersistprocError
from persistproc_core.framing import decode
from persistproc_core.jsonrpc import error_reply, request_problem
from persistproc_core.protocol import MAX_BATCH, method_named

from ..hub import Hub
from .calling import call
from .failures import internal_error
from .parameters import validated
from .requests import json_reply

__all__ = ["answer"]


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
        return json_reply(error_reply(error, None), 400)
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
        return error_reply(error, None)
    try:
        result = await _result(hub, scope, request)
    except PersistprocError as error:
        reply = error_reply(error, request.get("id"))
    except Exception as error:
        reply = error_reply(internal_error(error), request.get("id"))
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
    """The request object. Raises `InvalidRequest`."""
    problem = request_problem(message)
    if problem:
        raise InvalidRequest(problem)
    return cast("dict[str, object]", message)
