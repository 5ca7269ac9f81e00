"""A client that does not read what it is sent must not keep it, and its connection, for ever."""

from __future__ import annotations

import asyncio

from .. import log
from ..guard import limits

__all__ = ["Unread"]


class Unread:
    """Watches what one connection has to send, from the moment that the kernel takes no more of it."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        # Else the protocol is not told of less than 64 KiB, and a connection with that much left is never over: to
        # close it is to wait for its reader (asyncio, WriteTransport.set_write_buffer_limits).
        transport.set_write_buffer_limits(high=0)

    def began(self) -> None:
        """Something is left unsent."""
        if self._timer is None:
            self._begin()

    def ended(self) -> None:
        """Nothing is left, or the connection is over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin(self) -> None:
        left = self._transport.get_write_buffer_size()
        self._timer = self._loop.call_later(limits.STALLED_SECONDS, self._look, left)

    def _look(self, before: int) -> None:
        # Slow is not standing still: a long output over a thin line takes its time.
        if self._transport.get_write_buffer_size() < before:
            self._begin()
            return
        self._timer = None
        log.info("connection_dropped", reason="it does not read what it is sent")
        self._transport.abort()
