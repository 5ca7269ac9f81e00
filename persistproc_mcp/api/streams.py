"""Streams of events and output: how one is asked for, and how it is carried to a reader that may stand still."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import anyio
from starlette.datastructures import Headers
from starlette.types import Scope

from persistproc_core.errors import InvalidParams

from ..hub import Hub
from .feed import Feed
from .items import Item
from .parameters import checked, from_query
from .place import Place
from .router import Found

__all__ = ["HEARTBEAT_SECONDS", "Asked", "asked_in", "carry", "open_feed"]

HEARTBEAT_SECONDS = 15.0
"""How long nothing is sent at most: proxies cut connections that look dead after 30 to 60 s."""


class Asked(NamedTuple):
    """What the reader of a stream wants."""

    method: str
    params: dict[str, object]
    text: bool
    """One readable line for each event instead of JSON."""
    place: Place | None
    named: bool
    """Whether it may be about several processes."""


def asked_in(found: Found, scope: Scope) -> Asked:
    """What a request for a stream says. Raises `InvalidParams`."""
    method = found.place.method
    # One is the usual case, and the name for one is read more easily.
    given = from_query(method, scope["query_string"], {"process": "processes"})
    text = _flag(given.pop("text", False))
    last = given.pop("last_event_id", None) or Headers(scope=scope).get("last-event-id")
    given.update(_processes(given, found.named.get("process")))
    params = checked(method, given, {})
    place = None
    if last and method == "watch_processes":
        params["after"] = _sequence(str(last))
    elif last:
        place = Place.decoded(str(last))
    return Asked(method, params, text, place, "process" not in found.named)


async def open_feed(hub: Hub, scope: Scope, asked: Asked) -> Feed:
    """The feed of a stream. Raises `NothingLeft` and `PersistprocError`."""
    if asked.method == "watch_processes":
        return await Feed.events(hub, scope, asked.params)
    return await Feed.output(hub, scope, asked.params, asked.place, named=asked.named, text=asked.text)


async def carry(
    feed: Feed, write: Callable[[Item | None], Awaitable[None]], heartbeat_seconds: float = HEARTBEAT_SECONDS
) -> None:
    """Write item after item until the feed is over; None is a sign of life.

    The next item is asked for when the one before was written: a reader that stands still costs that one item, for
    the rest stays in the files and the journal of the daemon.
    """
    while True:
        item = None
        with anyio.move_on_after(heartbeat_seconds) as quiet:
            item = await feed.receive()
        if item is None and not quiet.cancelled_caught:
            return
        await write(item)


def _processes(given: dict[str, object], named: str | None) -> dict[str, object]:
    """What the path adds: the one process, and ``cursor`` as its cursor."""
    if named is None:
        return {}
    if "processes" in given:
        raise InvalidParams("the process is in the path already", hint="/api/output/stream follows several")
    cursor = given.pop("cursor", None)
    return {"processes": [named], **({} if cursor is None else {"cursors": {named: cursor}})}


def _flag(value: object) -> bool:
    if value in ("true", "1", "yes", "", True):
        return True
    if value in ("false", "0", "no", False):
        return False
    raise InvalidParams("text must be true or false", data={"parameter": "text"})


def _sequence(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise InvalidParams("the last event id is not one of this stream", hint="leave it out to begin anew")
    return int(text)
