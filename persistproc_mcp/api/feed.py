"""One subscription for one reader of a stream."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import cast

import anyio
from starlette.types import Scope
from typing_extensions import Self

from persistproc_core.client.async_subscription import AsyncSubscription
from persistproc_core.errors import PersistprocError, ProcessNotFound
from persistproc_core.protocol import (
    Event,
    FollowProcessOutputParams,
    FollowReply,
    OutputLine,
    ProcessOutput,
    WatchProcessesParams,
    WatchReply,
)

from ..hub import Hub
from .beginnings import Beginnings
from .calling import filled
from .failures import document
from .items import Item, begun_item, ended_item, event_item, missed_item, output_item
from .place import Place, full_name

__all__ = ["Feed", "NothingLeft"]


_ENDS = ("exited", "failed", "stopped", "lost", "removed")


class NothingLeft(Exception):
    """Everything that the stream named was removed: there is nothing to go on with."""


class Feed:
    """What a stream brings, item by item. There is no queue: what is not taken stays where the daemon has it."""

    def __init__(self, subscription: AsyncSubscription[FollowReply] | AsyncSubscription[WatchReply]) -> None:
        self._subscription = subscription
        self._place: Place | None = None
        self._named = False
        self._waiting: deque[Item] = deque()
        self._beginnings: Beginnings | None = None
        self._over = False

    @classmethod
    async def events(cls, hub: Hub, scope: Scope, params: Mapping[str, object]) -> Feed:
        """Follow what happens. Raises `PersistprocError`."""
        wanted = await filled(scope, "watch_processes", params)
        subscription = await hub.client.watch_processes(**cast("WatchProcessesParams", wanted))
        feed = cls(subscription)
        if subscription.reply["missed"]:
            feed._waiting.append(missed_item())
        return feed

    @classmethod
    async def output(
        cls,
        hub: Hub,
        scope: Scope,
        params: Mapping[str, object],
        place: Place | None,
        *,
        named: bool,
        text: bool,
    ) -> Feed:
        """Follow what is printed, from ``place`` on when there is one; ``named``: lines in words tell whose they are.

        With ``text`` words are all that is read: beginnings of lines wait for their ends. Raises `NothingLeft`
        when a place cannot be gone on from, and `PersistprocError`.
        """
        wanted = await filled(scope, "follow_process_output", params)
        subscription = await _follow(hub, wanted, place)
        feed = cls(subscription)
        feed._named = named
        feed._place = place or Place(cast("int", params.get("after", 0)))
        feed._place.begin(subscription.reply)
        if text:
            feed._beginnings = Beginnings(feed._place.begun)
        else:
            feed._place.begun.clear()
        return feed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._subscription.aclose()

    async def receive(self) -> Item | None:
        """The next item; None when it is over. A cancelled call loses nothing."""
        while not self._waiting and not self._over:
            try:
                await self._more()
            except PersistprocError as error:
                self._end(ended_item(error.message, document(error)["error"]))
        return self._waiting.popleft() if self._waiting else None

    async def _more(self) -> None:
        """Put what comes next among the items that wait; that may be none."""
        deadline = self._beginnings.deadline if self._beginnings is not None else math.inf
        if deadline <= anyio.current_time():
            self._take_due()
            return
        with anyio.CancelScope(deadline=deadline) as patience:
            news = await self._subscription.receive()
        if patience.cancelled_caught:
            return
        if news is None:
            self._end(ended_item(self._subscription.ended or "it was ended"))
        elif news.output is not None and self._place is not None:
            self._take_output(self._place, news.output)
        elif news.event is not None and self._place is None:
            self._waiting.append(event_item(news.event, str(news.event["sequence"])))
        elif news.event is not None and self._place is not None:
            self._take_event(self._place, news.event)

    def _end(self, last: Item) -> None:
        for key in list(self._place.begun) if self._place is not None else ():
            self._close(key)
        self._waiting.append(last)
        self._over = True

    def _take_output(self, place: Place, output: ProcessOutput) -> None:
        key = full_name(output["project_directory"], output["name"])
        if output["missed_bytes"]:
            # The end of what has begun is not there any more.
            self._close(key)
        place.take_output(output)
        if self._beginnings is not None:
            output = self._beginnings.take(key, output)
            if not output["lines"] and not output["missed_bytes"]:
                return
        self._waiting.append(output_item(output, place.encoded(), named=self._named))

    def _take_event(self, place: Place, event: Event) -> None:
        if event["type"] in _ENDS:
            self._close(full_name(event["project_directory"], event["name"]))
        if place.take_event(event):
            self._waiting.append(event_item(event, place.encoded()))

    def _take_due(self) -> None:
        while self._beginnings is not None and (due := self._beginnings.due()) is not None:
            self._tell_begun(*due)

    def _close(self, key: str) -> None:
        """Nothing follows what this process has begun."""
        if self._beginnings is not None and (lines := self._beginnings.close(key)):
            self._tell_begun(key, lines)

    def _tell_begun(self, key: str, lines: Sequence[OutputLine]) -> None:
        if self._place is not None:
            name = key.rpartition("/")[2]
            self._waiting.append(begun_item(name, lines, self._place.encoded(), named=self._named))


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
