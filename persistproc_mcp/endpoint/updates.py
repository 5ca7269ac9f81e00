"""From the daemon's events and output to news of resources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, get_args

import anyio
from mcp.server.subscriptions import ResourcesListChanged, ResourceUpdated, SubscriptionBus

from persistproc_core.client.aio import AsyncClient
from persistproc_core.errors import AmbiguousProcess, PersistprocError, ProcessNotFound
from persistproc_core.protocol import CallerParams, Event, EventType

from .. import log
from .addresses import PROCESSES, Address, Part, addresses_of

__all__ = ["TYPES", "Updates"]

TYPES: Final[list[EventType]] = [
    "started",
    "ready",
    "restarted",
    "stopping",
    "stopped",
    "exited",
    "failed",
    "lost",
    "removed",
    "protected",
    "unprotected",
]
"""What changes a resource. Ports and questions are left out: the daemon would look for them all the time."""

_GATHERING: Final = 0.5
"""Seconds: a process that prints all the time is told of twice a second."""
_PAUSE: Final = 1.0
"""Seconds until the daemon is asked again."""

_BRIDGE: Final[CallerParams] = {"client": {"name": "persistproc-bridge"}}


class Updates:
    """Publishes what the daemon tells: cues without content, for clients to read again."""

    def __init__(self, client: AsyncClient, bus: SubscriptionBus) -> None:
        self._client = client
        self._bus = bus
        self._changed = anyio.Event()
        """Set, and made anew, when a name may stand for another process than before."""
        self._seldom = log.Seldom()

    async def events(self, begun: Callable[[], None]) -> None:
        """Publish what happens to processes, until cancelled."""
        while True:
            try:
                await self._watch(begun)
            except PersistprocError:
                begun()
            except Exception as error:
                self._defect("events", error, begun)
            await anyio.sleep(_PAUSE)

    async def output(self, uri: str, address: Address, caller: CallerParams, begun: Callable[[], None]) -> None:
        """Publish that a process printed something, until cancelled."""
        while True:
            changed = self._changed
            try:
                await self._follow(uri, address.process, caller, begun)
            except (AmbiguousProcess, ProcessNotFound):
                begun()
                await changed.wait()
            except PersistprocError:
                begun()
                await anyio.sleep(_PAUSE)
            except Exception as error:
                self._defect("output", error, begun)
                await anyio.sleep(_PAUSE)

    def _defect(self, what: str, error: Exception, begun: Callable[[], None]) -> None:
        # It runs in a task of the whole endpoint: raised there, it would end everything that the bridge serves.
        self._seldom.warning("listening_failed", what=what, error=type(error).__name__)
        begun()

    async def _watch(self, begun: Callable[[], None]) -> None:
        async with await self._client.watch_processes(all_projects=True, types=TYPES, **_BRIDGE) as news:
            begun()
            # Where it did not go on from the last event, what was missed is in the list.
            self._look_again()
            await self._publish(PROCESSES)
            async for one in news:
                if one.event is not None:
                    await self._tell(one.event)

    async def _follow(self, uri: str, process: str, caller: CallerParams, begun: Callable[[], None]) -> None:
        async with await self._client.follow_process_output(processes=[process], **caller) as news:
            begun()
            while (one := await news.receive()) is not None:
                if one.output is None:
                    continue
                with anyio.move_on_after(_GATHERING):
                    while await news.receive() is not None:
                        pass
                await self._publish(uri)

    async def _tell(self, event: Event) -> None:
        if event["type"] in ("started", "removed"):
            self._look_again()
            await self._bus.publish(ResourcesListChanged())
        await self._publish(PROCESSES)
        for part in get_args(Part):
            for uri in addresses_of(event["project"], event["project_directory"], event["name"], part):
                await self._publish(uri)

    def _look_again(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def _publish(self, uri: str) -> None:
        await self._bus.publish(ResourceUpdated(uri=uri))
