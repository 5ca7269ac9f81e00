"""The daemon's socket: bound by us, 0600 from birth, and an accept loop that nothing ends.

anyio's own listener unlinks a socket that is in use, and its accept loop ends when descriptors run out.
"""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Awaitable, Callable

import anyio
from anyio.abc import TaskGroup

from ..keeper.link import beside
from ..protocol import MAX_CONNECTIONS
from ..unix_socket import bind_private, remove_own
from .kernel.peer import Peer, is_us, peer_of
from .log import Log

__all__ = ["Listener"]

_PAUSE_SECONDS = 0.1
_BACKLOG = 128


class Listener:
    """Accepts connections of our own user."""

    def __init__(self, path: str, log: Log, adopted: socket.socket | None = None) -> None:
        """``adopted``: a socket that a former daemon has bound to the path."""
        self._path = path
        self._log = log
        self._socket = adopted or _bind(path)
        if adopted is not None:
            self._listen()
        self._inode = _inode(path)
        self._free = anyio.Semaphore(_most_connections())
        self._connections: set[socket.socket] = set()
        self._accepting = anyio.CancelScope()
        self._resumed = anyio.Event()
        self._resumed.set()
        self._idle = anyio.Event()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    def fileno(self) -> int:
        """The descriptor of the listening socket."""
        return self._socket.fileno()

    async def serve(self, group: TaskGroup, handle: Callable[[socket.socket, Peer], Awaitable[None]]) -> None:
        """Accept for ever; each connection is served in ``group``."""
        while True:
            await self._resumed.wait()
            with anyio.CancelScope() as self._accepting:
                await self._accept_all(group, handle)

    async def _accept_all(self, group: TaskGroup, handle: Callable[[socket.socket, Peer], Awaitable[None]]) -> None:
        while True:
            # At the cap the next client waits in the kernel's queue instead of costing us a descriptor.
            await self._free.acquire()
            try:
                connection = await self._accept()
            except BaseException:
                self._free.release()
                raise
            self._connections.add(connection)
            group.start_soon(self._serve_one, connection, handle)

    def pause(self) -> None:
        """Accept nothing more until `resume`: clients wait in the queue. Nothing more is taken in from those there are.

        What they have sent up to now is still read; a request that comes later fails at the client before it is sent
        (EPIPE, unix(7)), so it knows that nothing was done.
        """
        self._resumed = anyio.Event()
        self._accepting.cancel()
        for connection in self._connections:
            try:
                connection.shutdown(socket.SHUT_RD)
            except OSError:
                pass  # its peer is gone

    def resume(self) -> None:
        """Accept again."""
        self._listen()
        self._resumed.set()

    def _listen(self) -> None:
        # Once more, although it listens: clients are told the pid of who called listen(2) last (SO_PEERCRED, unix(7)).
        self._socket.listen(_BACKLOG)
        self._socket.setblocking(False)

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
            self._connections.discard(connection)
            if not self._connections:
                self._idle.set()
                self._idle = anyio.Event()
            self._free.release()

    async def wait_idle(self) -> None:
        """Wait until no connection is open."""
        if self._connections:
            await self._idle.wait()

    def is_whole(self) -> bool:
        """Whether the file of the socket is still there, and ours."""
        try:
            return os.lstat(self._path).st_ino == self._inode
        except OSError:
            return False

    def bind_again(self) -> None:
        """Somebody deleted the file: make another one and accept there. Raises `OSError`; nothing has changed then."""
        # Renamed into place when it listens: who connects just now finds it, or none, and is not refused. The name is
        # ours alone: where paths are too long, the sockets of all homes are in one folder.
        made = beside(self._path)
        new = _bind(made)
        try:
            os.rename(made, self._path)
        except OSError:
            new.close()
            raise
        former, self._socket = self._socket, new
        self._inode = os.stat(self._path).st_ino
        # Who is in the queue of the former one is told by its end to connect anew.
        self._accepting.cancel()
        former.close()

    def close(self, *, handed_over: bool = False) -> None:
        """Stop listening and remove the socket file, unless another daemon listens there now."""
        if not handed_over:
            remove_own(self._path, self._inode)
        self._socket.close()


def _inode(path: str) -> int:
    """Of the socket's file; 0, which is no file's, when somebody deleted it in the middle of a handover."""
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return 0


def _most_connections() -> int:
    # Where descriptors are few, some must be left for what the connections ask for.
    return max(1, min(MAX_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2))


def _bind(path: str) -> socket.socket:
    """The lock is ours, so a file that is there already is stale."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    return bind_private(path, _BACKLOG)
