"""Streams over a WebSocket (RFC 6455): one event a text frame, and nothing else."""

from __future__ import annotations

import contextlib

import anyio
from starlette.types import Receive, Scope, Send

from persistproc_core.errors import PersistprocError
from persistproc_core.framing import encode

from ..hub import Hub
from .failures import internal_error
from .feed import Feed, NothingLeft
from .items import Item
from .requests import failure_reply
from .router import find_stream
from .streams import Asked, asked_in, carry, open_feed

__all__ = ["serve_websocket"]

_NORMAL = 1000
_GOING_AWAY = 1001
_CLOSE_SECONDS = 0.3


async def serve_websocket(hub: Hub, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one WebSocket. What is wrong is told before it is accepted, as an HTTP response."""
    await receive()  # websocket.connect
    try:
        asked = asked_in(find_stream(scope), scope)
        feed = await open_feed(hub, scope, asked)
    except NothingLeft:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": _NORMAL, "reason": "all that it named was removed"})
    except PersistprocError as error:
        await _refuse(scope, receive, send, error)
    except Exception as error:
        await _refuse(scope, receive, send, internal_error(error))
    else:
        async with feed:
            await send({"type": "websocket.accept"})
            await _send_all(hub, feed, asked, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send, error: PersistprocError) -> None:
    if "websocket.http.response" in scope.get("extensions", {}):
        await failure_reply(error)(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": error.message[:100]})


async def _send_all(hub: Hub, feed: Feed, asked: Asked, receive: Receive, send: Send) -> None:
    async def write(item: Item | None) -> None:
        # None: the server's own pings are the sign of life here.
        if item is None:
            return
        try:
            await send({"type": "websocket.send", "text": _frame(item, text=asked.text)})
        except OSError:  # the client has gone, and `until_gone` has not heard of it yet (ASGI, "Send - send event")
            group.cancel_scope.cancel()

    async def until_gone() -> None:
        while (await receive())["type"] != "websocket.disconnect":
            pass
        group.cancel_scope.cancel()

    async def until_end() -> None:
        await hub.ending.wait()
        await _close(send, _GOING_AWAY, "the bridge ends")
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(until_gone)
        group.start_soon(until_end)
        await carry(feed, write)
        await _close(send, _NORMAL, "the stream is over")
        group.cancel_scope.cancel()


async def _close(send: Send, code: int, reason: str) -> None:
    # A reader that stands still would keep us here: what was sent before has to go out first.
    with contextlib.suppress(OSError), anyio.move_on_after(_CLOSE_SECONDS):
        await send({"type": "websocket.close", "code": code, "reason": reason})


def _frame(item: Item, *, text: bool) -> str:
    if text:
        # RFC 6455, section 8.1: a text frame that is no UTF-8 ends the connection.
        return item.text.encode("utf-8", "backslashreplace").decode("utf-8")
    return encode(item.document).decode("ascii").rstrip("\n")
