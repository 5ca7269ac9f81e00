"""The methods that begin and end a stream of notifications."""

from __future__ import annotations

from ...protocol import (
    CancelReply,
    CancelSubscriptionParams,
    FollowProcessOutputParams,
    FollowReply,
    WatchProcessesParams,
    WatchReply,
)
from ..kernel.peer import Peer
from ..subscriptions.following import Following
from .places import project_of

__all__ = ["Subscribing"]


class Subscribing:
    """Translates between the protocol and the subscriptions."""

    def __init__(
        self,
        *,
        following: Following,
    ) -> None:
        self._following = following

    async def follow_process_output(self, params: FollowProcessOutputParams, peer: Peer) -> FollowReply:
        """Subscribe to output."""
        return await self._following.follow(params, await project_of(params), peer)

    async def watch_processes(self, params: WatchProcessesParams, peer: Peer) -> WatchReply:
        """Subscribe to events."""
        return await self._following.watch(params, await project_of(params), peer)

    async def cancel_subscription(self, params: CancelSubscriptionParams, peer: Peer) -> CancelReply:
        """End a subscription of this connection."""
        assert peer.subscriptions is not None
        peer.subscriptions.cancel(params["subscription"])
        return {"subscription": params["subscription"]}
