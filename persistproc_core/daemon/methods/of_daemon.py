"""The methods about the daemon itself."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

from ... import __version__
from ...protocol import DaemonStatus, NoParams, ReplaceDaemonParams, ReplaceReply, ShutdownDaemonParams, ShutdownReply
from ...schema import openrpc_document
from ..handover.replacing import Replacing
from ..kernel.peer import Peer
from ..supervisor import Supervisor

__all__ = ["OfDaemon"]


class OfDaemon:
    """Translates between the protocol and the daemon's own life."""

    def __init__(
        self,
        *,
        supervisor: Supervisor,
        replacing: Replacing,
        daemon_facts: Callable[[], Awaitable[DaemonStatus]],
        quit_soon: Callable[[], None],
    ) -> None:
        self._supervisor = supervisor
        self._replacing = replacing
        self._daemon_facts = daemon_facts
        self._quit_soon = quit_soon

    async def get_daemon_status(self, params: NoParams, peer: Peer) -> DaemonStatus:
        """How the daemon is."""
        return await self._daemon_facts()

    async def shutdown_daemon(self, params: ShutdownDaemonParams, peer: Peer) -> ShutdownReply:
        """End the daemon, on request with its processes."""
        stopped, left = await self._supervisor.stop_all(params, peer.client(params.get("client")))
        self._quit_soon()
        return {"pid": os.getpid(), "stopped": stopped, "left_running": left}

    async def replace_daemon(self, params: ReplaceDaemonParams, peer: Peer) -> ReplaceReply:
        """Hand everything over to a new daemon."""
        reply = await self._replacing.replace(params)
        self._quit_soon()
        return reply

    async def discover(self, params: NoParams, peer: Peer) -> dict[str, object]:
        """The OpenRPC document."""
        return openrpc_document(__version__)
