"""What one connection has subscribed to: begun after the reply that tells its name, ended with the connection."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

import anyio
from anyio.abc import TaskGroup

from ...errors import InvalidParams, TooManySubscriptions
from ...framing import encode
from ...protocol import MAX_SUBSCRIPTIONS

__all__ = ["Deliver", "Opening", "PeerGone", "Subscriptions", "Work"]

Deliver = Callable[[bytes], Awaitable[None]]
"""Sends one line, however long its reader takes. Raises `PeerGone`."""

Work = Callable[[str, Deliver], Awaitable["str | None"]]
"""Serves one subscription, given its name. Returns why it ended by itself; None when the daemon ends."""


class PeerGone(Exception):
    """Nobody is there any more to send anything to."""


class _Subscription:
    """One subscription."""

    def __init__(self, name: str, work: Work) -> None:
        self.name = name
        self.work = work
        self.scope = anyio.CancelScope()
        self.sending = False
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True
        if not self.sending:
            # In the middle of a line nothing that followed could be understood; it is looked at after that line.
            self.scope.cancel()


class Subscriptions:
    """The subscriptions of one connection."""

    def __init__(self, deliver: Deliver, on_end: Callable[[], None]) -> None:
        """``on_end`` is called when the last one has ended."""
        self._deliver = deliver
        self._on_end = on_end
        self._all: dict[str, _Subscription] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._all)

    def add(self, work: Work) -> _Subscription:
        """One more, that is not begun yet. Raises `TooManySubscriptions`."""
        if len(self._all) >= MAX_SUBSCRIPTIONS:
            raise TooManySubscriptions(
                f"this connection has {len(self._all)} subscriptions already",
                hint="cancel one, or open another connection",
            )
        subscription = _Subscription(secrets.token_hex(4), work)
        self._all[subscription.name] = subscription
        return subscription

    def cancel(self, name: str) -> None:
        """End one: after the reply nothing comes from it. Raises `InvalidParams` for one that is not there."""
        subscription = self._all.pop(name, None)
        if subscription is None:
            raise InvalidParams(
                f"this connection has no subscription {name!r}", hint="it may have ended; others cannot be cancelled"
            )
        subscription.cancel()

    def close(self) -> None:
        """End all, and begin no more: the peer has said that it has nothing more to ask."""
        self._closed = True
        for subscription in self._all.values():
            subscription.cancel()
        self._all.clear()

    async def serve(self, subscription: _Subscription) -> None:
        """Serve one until it ends."""
        if self._closed or subscription.name not in self._all:
            return  # cancelled while its reply was on the way
        try:
            with subscription.scope:
                reason = await subscription.work(subscription.name, lambda line: self._send(subscription, line))
                if reason is not None:
                    await self._send(subscription, _ended(subscription.name, reason))
        except PeerGone:
            pass
        finally:
            self._all.pop(subscription.name, None)
            if not self._all:
                self._on_end()

    async def _send(self, subscription: _Subscription, line: bytes) -> None:
        subscription.sending = True
        try:
            await self._deliver(line)
        finally:
            subscription.sending = False
        if subscription.cancelled:
            subscription.scope.cancel()
            await anyio.lowlevel.checkpoint()


class Opening:
    """The subscriptions as one request sees them: what it adds is begun when its reply has been sent."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self._subscriptions = subscriptions
        self._added: list[_Subscription] = []

    def add(self, work: Work) -> str:
        """One more; its name. Raises `TooManySubscriptions`."""
        subscription = self._subscriptions.add(work)
        self._added.append(subscription)
        return subscription.name

    def cancel(self, name: str) -> None:
        """End one. Raises `InvalidParams` for one that is not there."""
        self._subscriptions.cancel(name)

    def begin(self, group: TaskGroup) -> None:
        """The reply has been sent."""
        for subscription in self._added:
            group.start_soon(self._subscriptions.serve, subscription)


def _ended(name: str, reason: str) -> bytes:
    return encode(
        {"jsonrpc": "2.0", "method": "subscription_ended", "params": {"subscription": name, "reason": reason}}
    )
