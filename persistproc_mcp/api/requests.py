"""The outer side of a request: its body, its end when the client has gone, the reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import anyio
from starlette.responses import Response
from starlette.types import Receive

from persistproc_core.errors import PersistprocError
from persistproc_core.framing import encode

from .failures import HttpFailure, document, status_of

__all__ = ["ClientGone", "body_of", "failure_reply", "json_reply", "unless_gone"]


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


async def unless_gone(receive: Receive, work: Callable[[], Awaitable[Response]]) -> Response:
    """What the work returns. It is cancelled, and `ClientGone` raised, when the client has gone before.

    To be called when the body was read: the next message is the end then.
    """
    done: list[Response] = []
    failed: list[PersistprocError] = []

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        try:
            done.append(await work())
        except PersistprocError as error:  # kept: the group would wrap it
            failed.append(error)
        group.cancel_scope.cancel()
    if failed:
        raise failed[0]
    if not done:
        raise ClientGone
    return done[0]


def json_reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON document, on one line."""
    return Response(encode(value), status, headers, media_type="application/json")


def failure_reply(error: PersistprocError) -> Response:
    """The error as a document, with its status."""
    headers = {}
    if isinstance(error, HttpFailure) and error.allow:
        headers["Allow"] = ", ".join(error.allow)
    return json_reply(document(error), status_of(error), headers)
