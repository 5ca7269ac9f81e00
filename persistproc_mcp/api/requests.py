"""The outer side of a request: its body, its end when the client has gone, the reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import anyio
from starlette.responses import Response
from starlette.types import Receive

from persistproc_core.errors import PersistprocError, ShuttingDown
from persistproc_core.framing import encode

from .failures import HttpFailure, document, status_of

__all__ = ["ClientGone", "body_of", "failure_reply", "json_reply", "unless_over"]

_LAST_SECONDS = 0.5
"""What is done in a moment is answered as ever. Half of what the server itself gives us (`serving.server`)."""


class ClientGone(Exception):
    """The client closed the connection; nobody waits for an answer."""


async def body_of(receive: Receive) -> bytes:
    """The whole body; the guard has seen to it that it is not too long. Raises `ClientGone`."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


async def unless_over(receive: Receive, ending: anyio.Event, work: Callable[[], Awaitable[Response]]) -> Response:
    """What the work returns. It is cancelled when the client has gone before, or when the bridge ends.

    To be called when the body was read: the next message is the end then. Raises `ClientGone`, `ShuttingDown`, and
    the `PersistprocError` of the work.
    """
    done: list[Response] = []
    failed: list[PersistprocError] = []

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        group.cancel_scope.cancel()

    async def until_end() -> None:
        await ending.wait()
        await anyio.sleep(_LAST_SECONDS)
        failed.append(ShuttingDown("the bridge ends", hint="ask again; what was started or stopped stays so"))
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(until_gone)
        group.start_soon(until_end)
        try:
            done.append(await work())
        except PersistprocError as error:  # kept: the group would wrap it
            failed.append(error)
        group.cancel_scope.cancel()
    if done:
        return done[0]
    if failed:
        raise failed[0]
    raise ClientGone


def json_reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON document, on one line."""
    return Response(encode(value), status, headers, media_type="application/json")


def failure_reply(error: PersistprocError) -> Response:
    """The error as a document, with its status."""
    headers = {}
    if isinstance(error, HttpFailure) and error.allow:
        headers["Allow"] = ", ".join(error.allow)
    return json_reply(document(error), status_of(error), headers)
