"""Streams as server-sent events (HTML standard, section 9.2)."""

from __future__ import annotations

import anyio
from starlette.types import Receive, Scope, Send

from persistproc_core.framing import encode

from ..hub import Hub
from .feed import Feed, NothingLeft
from .items import Item
from .router import Found
from .streams import Asked, asked_in, carry, open_feed

__all__ = ["encoded", "serve_events"]

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # A proxy in between must not collect them (nginx).
    (b"x-accel-buffering", b"no"),
]
_RETRY_MILLISECONDS = 1000
_CLOSE_SECONDS = 0.3


async def serve_events(hub: Hub, found: Found, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one stream until the client has gone, it is over, or the bridge ends. Raises `PersistprocError`.

    Nothing was sent when it raises. The body must have been read.
    """
    asked = asked_in(found, scope)
    try:
        feed = await open_feed(hub, scope, asked)
    except NothingLeft:
        # A reader that got 200 and an end would connect again, for ever; 204 tells it to stop.
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})
        return
    async with feed:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        if scope["method"] != "HEAD":
            await _send_all(hub, feed, asked, receive, send)
        # A reader that stands still would keep us here: what was sent before has to go out first.
        with anyio.move_on_after(_CLOSE_SECONDS):
            await send({"type": "http.response.body"})


async def _send_all(hub: Hub, feed: Feed, asked: Asked, receive: Receive, send: Send) -> None:
    async def write(item: Item | None) -> None:
        body = b": alive\n\n" if item is None else encoded(item, text=asked.text)
        await send({"type": "http.response.body", "body": body, "more_body": True})

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        group.cancel_scope.cancel()

    async def until_end() -> None:
        await hub.ending.wait()
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(until_gone)
        group.start_soon(until_end)
        begin = f"retry: {_RETRY_MILLISECONDS}\n\n".encode()
        await send({"type": "http.response.body", "body": begin, "more_body": True})
        await carry(feed, write)
        group.cancel_scope.cancel()


def encoded(item: Item, *, text: bool) -> bytes:
    """The lines of one event."""
    lines = [f"id: {item.id}"] if item.id else []
    lines.append(f"event: {item.type}")
    data = item.text if text else encode(item.document).decode("ascii").rstrip("\n")
    lines += [f"data: {line}" for line in data.split("\n")]
    return ("\n".join(lines) + "\n\n").encode("utf-8", "backslashreplace")
