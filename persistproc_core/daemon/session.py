"""One connection: lines in, replies out, at most a few requests at work at a time."""

from __future__ import annotations

import math
import select
import socket
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from ..errors import PersistprocError
from ..framing import LineReader, encode
from ..protocol import MAX_IN_FLIGHT, Hello
from .dispatch import Dispatcher, Incoming
from .kernel.peer import Peer
from .subscriptions.connection import Opening, PeerGone, Subscriptions

__all__ = ["Session"]

_CHUNK = 64 * 1024
_SEND_SECONDS = 30.0
_IDLE_SECONDS = 60.0
_AT_ONCE = 8


class Session:
    """Serves one connection until its peer is gone. Nothing a peer does raises out of here."""

    def __init__(self, connection: socket.socket, peer: Peer, dispatcher: Dispatcher, hello: Hello) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._peer = peer
        self._subscriptions = Subscriptions(self._deliver, self._set_deadline)
        self._dispatcher = dispatcher
        self._hello = hello
        # Without fast_acquire each is a whole turn of the event loop.
        self._sending = anyio.Lock(fast_acquire=True)
        self._at_once = 0
        self._waiting = False
        self._gone = False
        self._idle = anyio.CancelScope()
        self._slots = anyio.Semaphore(MAX_IN_FLIGHT, fast_acquire=True)

    async def serve(self) -> None:
        """Say hello, then answer. Requests at work when the peer hangs up are cancelled where that is safe."""
        await self._send(encode({"jsonrpc": "2.0", "method": "hello", "params": self._hello}))
        async with anyio.create_task_group() as group:
            # One scope for the whole connection, its deadline moved: a new one for each line costs more than the line.
            with self._idle:
                await self._read(lambda line: self._take(line, group))
            # Who has only shut down its sending side still gets its answers; what would never end ends here.
            self._subscriptions.close()
            if self._idle.cancelled_caught or self._peer_is_gone():
                group.cancel_scope.cancel()

    async def _read(self, take: Callable[[bytes], Awaitable[None]]) -> None:
        reader = LineReader()
        while data := await self._receive():
            reader.feed(data)
            try:
                while (line := reader.next_line()) is not None:
                    await take(line)
            except PersistprocError as error:
                # The rest of a line that is too long cannot be told from a new one.
                await self._send(encode({"jsonrpc": "2.0", "error": error.to_wire(), "id": None}))
                return

    async def _take(self, line: bytes, group: TaskGroup) -> None:
        incoming = self._dispatcher.read(line)
        if not incoming.prompt:
            await self._slots.acquire()
            group.start_soon(self._answer_later, incoming, group)
            return
        if not self._gone:
            # Thousands of questions may still lie in the socket of a peer that has hung up, and each takes its time.
            await self._answer(incoming, self._peer)
        self._at_once += 1
        if self._at_once % _AT_ONCE == 0:
            # A client whose next line is always there already would keep the loop for itself.
            await anyio.lowlevel.checkpoint()

    async def _answer_later(self, incoming: Incoming, group: TaskGroup) -> None:
        opening = Opening(self._subscriptions)
        try:
            await self._answer(incoming, self._peer._replace(subscriptions=opening))
        finally:
            self._slots.release()
        opening.begin(group)
        # The reader has been waiting since before this answer, and left the deadline alone because of it.
        self._set_deadline()

    async def _answer(self, incoming: Incoming, peer: Peer) -> None:
        reply = await self._dispatcher.answer(incoming, peer)
        if reply is not None:
            await self._send(reply)

    async def _receive(self) -> bytes:
        while True:
            try:
                return self._socket.recv(_CHUNK)
            except BlockingIOError:
                self._waiting = True
                self._set_deadline()
                await anyio.wait_readable(self._socket)
                self._waiting = False
                self._idle.deadline = math.inf
            except OSError:
                return b""

    def _set_deadline(self) -> None:
        # A few hundred clients that have nothing to say must not keep out one that has.
        if self._waiting and self._slots.value == MAX_IN_FLIGHT and not self._subscriptions:
            self._idle.deadline = anyio.current_time() + _IDLE_SECONDS

    async def _deliver(self, line: bytes) -> None:
        """Send a line of a subscription. Its reader may take for ever: it costs this line, and no timer."""
        async with self._sending:
            data = memoryview(line)
            while data:
                try:
                    data = data[self._socket.send(data) :]
                except BlockingIOError:
                    await anyio.wait_writable(self._socket)
                except OSError:
                    raise PeerGone from None

    async def _send(self, line: bytes) -> None:
        async with self._sending:
            data = self._send_now(memoryview(line))
            if data:
                # A reader of a subscription may be as slow as it likes; its replies wait with the rest.
                with anyio.move_on_after(math.inf if self._subscriptions else _SEND_SECONDS):
                    while data:
                        await anyio.wait_writable(self._socket)
                        data = self._send_now(data)
            if data:
                # Half a line was sent: nothing that follows could be understood.
                self._shut_down()

    def _send_now(self, data: memoryview) -> memoryview:
        """What is left after sending what fits; nothing when the peer is gone."""
        try:
            return data[self._socket.send(data) :]
        except BlockingIOError:
            return data
        except OSError:
            self._gone = True
            return data[:0]

    def _peer_is_gone(self) -> bool:
        # One that has only shut down its sending side still waits for its answers (shutdown(2), poll(2)).
        poll = select.poll()
        poll.register(self._socket, 0)
        return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))

    def _shut_down(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
