"""One subscription for one reader of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from starlette.types import Scope
from typing_extensions import Self

from persistproc_core.client.async_subscription import AsyncSubscription
from persistproc_core.errors import PersistprocError, ProcessNotFound
from persistproc_core.protocol import FollowProcessOutputParams, FollowReply, WatchProcessesParams, WatchReply

from ..hub import Hub
from .calling import filled
from .failures import document
from .items import Item, ended_item, event_item, missed_item, output_item
from .place import Place, full_name

__all__ = ["Feed", "NothingLeft"]


class NothingLeft(Exception):
    """Everything that the stream named was removed: there is nothing to go on with."""


class Feed:
    """What a stream brings, item by item. There is no queue: what is not taken stays where the daemon has it."""

    def __init__(self, subscription: AsyncSubscription[FollowReply] | AsyncSubscription[WatchReply]) -> None:
        self._subscription = subscription
        self._place: Place | None = None
        self._named = False
        self._first: Item | None = None
        self._over = False

    @classmethod
    async def events(cls, hub: Hub, scope: Scope, params: Mapping[str, object]) -> Feed:
        """Follow what happens. Raises `PersistprocError`."""
        wanted = await filled(scope, "watch_processes", params)
        subscription = await hub.client.watch_processes(**cast("WatchProcessesParams", wanted))
        feed = cls(subscription)
        if subscription.reply["missed"]:
            feed._first = missed_item()
        return feed

    @classmethod
    async def output(
        cls, hub: Hub, scope: Scope, params: Mapping[str, object], place: Place | None, *, named: bool
    ) -> Feed:
        """Follow what is printed, from ``place`` on when there is one; ``named``: lines in words tell whose they are.

        Raises `NothingLeft` when a place cannot be gone on from, and `PersistprocError`.
        """
        wanted = await filled(scope, "follow_process_output", params)
        subscription = await _follow(hub, wanted, place)
        feed = cls(subscription)
        feed._named = named
        feed._place = place or Place(cast("int", params.get("after", 0)))
        feed._place.begin(subscription.reply)
        return feed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._subscription.aclose()

    async def receive(self) -> Item | None:
        """The next item; None when it is over. A cancelled call loses nothing."""
        if self._over:
            return None
        if self._first is not None:
            first, self._first = self._first, None
            return first
        try:
            return await self._next()
        except PersistprocError as error:
            self._over = True
            return ended_item(error.message, document(error)["error"])

    async def _next(self) -> Item | None:
        while True:
            news = await self._subscription.receive()
            if news is None:
                self._over = True
                return ended_item(self._subscription.ended or "it was ended")
            if news.output is not None and self._place is not None:
                self._place.take_output(news.output)
                return output_item(news.output, self._place.encoded(), named=self._named)
            event = news.event
            if event is None:
                continue
            if self._place is None:
                return event_item(event, str(event["sequence"]))
            if self._place.take_event(event):
                return event_item(event, self._place.encoded())


async def _follow(hub: Hub, wanted: dict[str, object], place: Place | None) -> AsyncSubscription[FollowReply]:
    if place is None:
        return await hub.client.follow_process_output(**cast("FollowProcessOutputParams", wanted))
    try:
        again = _again(wanted, place, set(place.cursors))
        return await hub.client.follow_process_output(**cast("FollowProcessOutputParams", again))
    except ProcessNotFound:
        listed = await hub.client.list_processes(all_projects=True)
    # One that it named was removed while nobody was connected.
    there = {full_name(process["project_directory"], process["name"]) for process in listed["processes"]}
    again = _again(wanted, place, there & set(place.cursors))
    return await hub.client.follow_process_output(**cast("FollowProcessOutputParams", again))


def _again(wanted: dict[str, object], place: Place, present: set[str]) -> dict[str, object]:
    again = {**wanted, "after": place.after, "cursors": {key: place.cursors[key] for key in sorted(present)}}
    again.pop("lines", None)
    if "processes" in wanted:
        if not present:
            raise NothingLeft
        again["processes"] = sorted(present)
    return again
