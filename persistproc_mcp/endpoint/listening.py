"""``subscriptions/listen``: clients of 2026-07-28 hear of resources that change.

Older clients would say ``resources/subscribe``, which needs a session; it is not offered.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

import anyio
import mcp_types as types
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler

from ..hub import Hub
from .addresses import address_in
from .context import Context
from .identities import Identities
from .sharing import Sharing
from .updates import Updates

__all__ = ["Listening"]

_MOST_LISTENERS: Final = 256
_MOST_FOLLOWED: Final = 32
"""Outputs that are followed at a time, for each takes a connection to the daemon; of more only events are told."""


class Listening:
    """The handler of ``subscriptions/listen``. While nobody listens, the daemon is asked for nothing."""

    def __init__(self, hub: Hub, identities: Identities) -> None:
        bus = InMemorySubscriptionBus()
        self._ending = hub.ending
        self._identities = identities
        self._updates = Updates(hub.client, bus)
        self._handler = ListenHandler(bus, max_subscriptions=_MOST_LISTENERS)
        self._sharing = Sharing()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Own the subscriptions to the daemon as long as the block lasts; streams end when the bridge is ending."""
        async with self._sharing.running(), anyio.create_task_group() as tasks:
            tasks.start_soon(self._end)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()

    async def _end(self) -> None:
        await self._ending.wait()
        # In good order: each client is told, and asks again when there is a bridge.
        self._handler.close()

    async def listen(
        self, ctx: Context, params: types.SubscriptionsListenRequestParams
    ) -> types.SubscriptionsListenResult:
        """Answer with a stream that lasts until the client closes it."""
        wanted = params.notifications
        uris = wanted.resource_subscriptions or []
        async with AsyncExitStack() as held:
            # Before the acknowledgement: what happens after it must not be missed.
            if uris or wanted.resources_list_changed:
                await held.enter_async_context(self._sharing.held("events", self._updates.events))
            await self._follow(ctx, uris, held)
            return await self._handler(ctx, params)

    async def _follow(self, ctx: Context, uris: list[str], held: AsyncExitStack) -> None:
        addresses = {uri: address for uri in uris if (address := address_in(uri)) and address.part == "output"}
        if not addresses:
            return
        caller = (await self._identities.caller(ctx)).params()
        for uri, address in addresses.items():
            key = (uri, caller.get("working_directory"))
            if key in self._sharing or len(self._sharing) < _MOST_FOLLOWED:
                work = partial(self._updates.output, uri, address, caller)
                await held.enter_async_context(self._sharing.held(key, work))
