"""The ASGI applications behind ``/api`` and ``/rpc``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from persistproc_core.errors import PersistprocError

from ..hub import Hub
from .calling import call
from .failures import HttpFailure, internal_error
from .parameters import checked, from_body, from_query
from .requests import ClientGone, body_of, failure_reply, json_reply, unless_over
from .resources import WITH_BODY, Resource
from .router import Found, find, path_of
from .rpc import answer
from .server_sent import serve_events
from .websocket import serve_websocket

__all__ = ["ResourceApp", "RpcApp"]


class ResourceApp:
    """Everything under ``/api``."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or WebSocket."""
        if scope["type"] == "websocket":
            await serve_websocket(self._hub, scope, receive, send)
            return

        async def respond(send: Send) -> None:
            found = find(scope)
            body = await body_of(receive)
            if isinstance(found.place, Resource):
                reply = await unless_over(receive, self._hub.ending, lambda: self._reply(scope, found, body))
                await reply(scope, receive, send)
            else:
                await serve_events(self._hub, found, scope, receive, send)

        await _answering(respond, scope, receive, send)

    async def _reply(self, scope: Scope, found: Found, body: bytes) -> Response:
        resource = found.place
        assert isinstance(resource, Resource)
        given = _given(resource, scope, body)
        params = checked(resource.method, given, found.named, resource.left_out)
        result = await call(self._hub, scope, resource.method, params)
        return _started(result) if resource.method == "start_process" else json_reply(result)


class RpcApp:
    """``/rpc``."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def respond(send: Send) -> None:
            if scope["method"] != "POST":
                raise HttpFailure(405, "method_not_allowed", "this path takes POST", allow=("POST",))
            body = await body_of(receive)
            reply = await unless_over(receive, self._hub.ending, lambda: answer(self._hub, scope, body))
            await reply(scope, receive, send)

        await _answering(respond, scope, receive, send)


def _given(resource: Resource, scope: Scope, body: bytes) -> dict[str, object]:
    if resource.verb not in WITH_BODY:
        if body.strip():
            raise HttpFailure(400, "invalid_request", f"a {resource.verb} takes its parameters in the query")
        return from_query(resource.method, scope["query_string"])
    if scope["query_string"]:
        told = f"a {resource.verb} takes its parameters in a JSON object, not in the query"
        raise HttpFailure(400, "invalid_request", told)
    return from_body(body)


def _started(result: object) -> Response:
    """201 and where it is for a new run, 200 for one that was joined."""
    assert isinstance(result, dict)
    if result["already_running"]:
        return json_reply(result)
    return json_reply(result, 201, {"Location": path_of(result["project_directory"], result["name"])})


async def _answering(respond: Callable[[Send], Awaitable[None]], scope: Scope, receive: Receive, send: Send) -> None:
    begun = False

    async def noting(message: Message) -> None:
        nonlocal begun
        begun = True
        await send(message)

    try:
        await respond(noting)
    except ClientGone:
        pass  # nobody is there to be told
    except PersistprocError as error:
        await failure_reply(error)(scope, receive, send)
    except Exception as error:
        failure = failure_reply(internal_error(error))
        if not begun:
            await failure(scope, receive, send)
