"""The daemon's socket: bound by us, 0600 from birth, and an accept loop that nothing ends.

anyio's own listener unlinks a socket that is in use, and its accept loop ends when descriptors run out.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable

import anyio
from anyio.abc import TaskGroup

from ..protocol import MAX_CONNECTIONS
from ..unix_socket import bind_private, remove_own
from .kernel.peer import Peer, is_us, peer_of
from .log import Log

__all__ = ["Listener"]

_PAUSE_SECONDS = 0.1
_BACKLOG = 128


class Listener:
    """Accepts connections of our own user."""

    def __init__(self, path: str, log: Log) -> None:
        self._path = path
        self._log = log
        self._socket = _bind(path)
        self._inode = os.stat(path).st_ino
        self._open = anyio.Semaphore(MAX_CONNECTIONS)
        self.connections = 0
        self._idle = anyio.Event()

    async def serve(self, group: TaskGroup, handle: Callable[[socket.socket, Peer], Awaitable[None]]) -> None:
        """Accept for ever; each connection is served in ``group``."""
        while True:
            # At the cap the next client waits in the kernel's queue instead of costing us a descriptor.
            await self._open.acquire()
            connection = await self._accept()
            group.start_soon(self._serve_one, connection, handle)

    async def _accept(self) -> socket.socket:
        while True:
            try:
                return self._socket.accept()[0]
            except BlockingIOError:
                await anyio.wait_readable(self._socket)
            except ConnectionAbortedError:
                continue
            except OSError as error:
                # No descriptor is free (EMFILE), or something that nobody thought of. The connection stays in the queue
                # and the socket stays readable: without a pause this spins.
                self._log.warning("accept.failed", error=error.strerror)
                await anyio.sleep(_PAUSE_SECONDS)

    async def _serve_one(
        self, connection: socket.socket, handle: Callable[[socket.socket, Peer], Awaitable[None]]
    ) -> None:
        self.connections += 1
        try:
            with connection:
                peer = peer_of(connection)
                if is_us(peer):
                    await handle(connection, peer)
                else:
                    self._log.warning("connection.refused", uid=peer.uid, pid=peer.pid)
        except Exception as error:
            # One connection's failure, ours or its own, must not end the others' task group.
            self._log.exception("connection.failed", error)
        finally:
            self.connections -= 1
            if not self.connections:
                self._idle.set()
                self._idle = anyio.Event()
            self._open.release()

    async def wait_idle(self) -> None:
        """Wait until no connection is open."""
        if self.connections:
            await self._idle.wait()

    def close(self) -> None:
        """Stop listening and remove the socket file."""
        remove_own(self._path, self._inode)
        self._socket.close()


def _bind(path: str) -> socket.socket:
    """The lock is ours, so a file that is there already is stale."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    return bind_private(path, _BACKLOG)
