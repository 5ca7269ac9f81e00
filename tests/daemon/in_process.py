"""Just enough of a client, on anyio, for daemons that run in the test's own process."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from persistproc_core.daemon.app import Daemon
from persistproc_core.daemon.handover.taking import Inherited
from persistproc_core.daemon.home.lock import HomeLock, take_lock
from persistproc_core.paths import Home
from tests.kit import wait_gone

__all__ = ["Wire", "connected", "served"]


class Wire:
    """One connection."""

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream
        self._lines = BufferedByteReceiveStream(stream)

    async def read(self) -> Any:
        """The next message."""
        return json.loads(await self._lines.receive_until(b"\n", 1 << 20))

    async def call(self, method: str, **params: object) -> Any:
        """The reply to a request, whatever it is."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        await self._stream.send(json.dumps(request).encode() + b"\n")
        return await self.read()

    async def result(self, method: str, **params: object) -> Any:
        """The result of a request that must succeed."""
        return (await self.call(method, **params))["result"]


@asynccontextmanager
async def connected(home: Home) -> AsyncIterator[Wire]:
    """A connection that has been greeted."""
    async with await anyio.connect_unix(home.socket) as stream:
        wire = Wire(stream)
        assert (await wire.read())["method"] == "hello"
        yield wire


@asynccontextmanager
async def served(home: Home) -> AsyncIterator[Wire]:
    """A connection to a daemon in this very process, which is shut down at the end, and its keeper gone."""
    home.ensure()
    lock = take_lock(home)
    ready = anyio.Event()
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            inherited = Inherited(0o022, (1024, 4096))
            group.start_soon(Daemon(home, HomeLock(home.lock, lock), inherited).run, ready.set)
            await ready.wait()
            async with connected(home) as client:
                yield client
                keeper = (await client.result("get_daemon_status"))["keeper_pid"]
                await client.result("shutdown_daemon")
    os.close(lock)
    await anyio.to_thread.run_sync(wait_gone, keeper)  # with its last link
    await anyio.to_thread.run_sync(os.waitpid, keeper, os.WNOHANG)  # here we are its parent
