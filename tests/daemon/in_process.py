"""Just enough of a client, on anyio, for daemons that run in the test's own process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from persistproc_core.paths import Home

__all__ = ["Wire", "connected"]


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
