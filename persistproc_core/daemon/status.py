"""What the daemon tells about itself."""

from __future__ import annotations

import os

import anyio.to_thread

from .. import __version__
from ..paths import Home
from ..protocol import PROTOCOL_VERSION, DaemonStatus
from .clock import now
from .kernel.usage import resident_bytes
from .lifecycle import Lifecycle
from .registry import Registry

__all__ = ["Status"]


class Status:
    """The answer to get_daemon_status."""

    def __init__(self, home: Home, instance: str, registry: Registry) -> None:
        self._home = home
        self._instance = instance
        self._registry = registry
        self._started_at = now()

    async def look(self, lifecycle: Lifecycle, connections: int) -> DaemonStatus:
        """How it is now."""
        configuration = lifecycle.configuration
        await configuration.refresh()
        keeper = lifecycle.keeper.pid
        resident = await anyio.to_thread.run_sync(resident_bytes, os.getpid())
        return {
            "pid": os.getpid(),
            "version": __version__,
            "protocol": PROTOCOL_VERSION,
            "instance": self._instance,
            "home": self._home.path,
            "socket": self._home.socket,
            "started_at": self._started_at,
            "keeper_pid": keeper,
            "processes": len(self._registry),
            "running": sum(process.live for process in self._registry),
            "memory_bytes": resident or 0,
            "keeper_memory_bytes": await anyio.to_thread.run_sync(resident_bytes, keeper) if keeper else None,
            "connections": connections,
            "output_bytes": await lifecycle.retention.measure(),
            "output_limit_bytes": configuration.total_bytes,
            "config": self._home.config,
            "config_problems": list(configuration.problems),
        }
