"""The daemon's end of the keeper's wire: requests with answers, and events."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from itertools import count

import anyio

from ..keeper.wire import FrameReader, frame

__all__ = ["KeeperLink", "KeeperLost", "KeeperRefused"]


class KeeperLost(Exception):
    """The keeper died; whether it did what was asked must be found out from what it left."""


class KeeperRefused(Exception):
    """The keeper answered ``failed``: what failed (``directory``, ``exec``, ...), the errno, and the path."""

    def __init__(self, stage: str, errno: int, detail: str) -> None:
        super().__init__(f"{stage}: errno {errno}: {detail}")
        self.stage = stage
        self.errno = errno
        self.detail = detail


class _Answer:
    """Where one answer will be put."""

    def __init__(self) -> None:
        self.event = anyio.Event()
        self.message: list[bytes] | None = None


class KeeperLink:
    """One connection to one keeper. `serve` owns the reading; everything else may be called while it runs."""

    def __init__(self, connection: socket.socket, on_event: Callable[[list[bytes]], None]) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._on_event = on_event
        self._answers: dict[bytes, _Answer] = {}
        self._numbers = count(1)
        self._sending = anyio.Lock()
        self.lost = False
        self.silent = False
        """Set by who has waited in vain; reset by whatever the keeper says."""

    async def serve(self) -> None:
        """Read until the keeper is gone. All who wait for an answer then get `KeeperLost`."""
        reader = FrameReader()
        try:
            while True:
                await anyio.wait_readable(self._socket)
                try:
                    data = self._socket.recv(256 * 1024)
                except BlockingIOError:
                    continue
                except OSError:
                    return
                if not data:
                    return
                for message in reader.feed(data):
                    self._receive(message)
        finally:
            self.lost = True
            for answer in self._answers.values():
                answer.event.set()
            self._answers.clear()

    def _receive(self, message: list[bytes]) -> None:
        self.silent = False
        if message[0] in (b"ok", b"failed"):
            answer = self._answers.pop(message[1], None)
            if answer is not None:
                answer.message = message
                answer.event.set()
        else:
            # Never awaited: a handler that asks the keeper something would wait for this very reader.
            self._on_event(message)

    async def request(self, verb: bytes, *fields: bytes) -> list[bytes]:
        """Ask and wait for the answer. Raises `KeeperLost` or `KeeperRefused`."""
        number = b"%d" % next(self._numbers)
        answer = self._answers[number] = _Answer()
        try:
            await self._send(verb, number, *fields)
            await answer.event.wait()
        finally:
            self._answers.pop(number, None)
        if answer.message is None:
            raise KeeperLost
        if answer.message[0] == b"failed":
            _, _, stage, errno, detail = answer.message
            raise KeeperRefused(stage.decode(), int(errno), detail.decode("utf-8", "surrogateescape"))
        return answer.message[2:]

    async def watch(self, run_id: str, stdout: int, stderr: int) -> None:
        """Ask for one ``grew`` when the run's log is longer than this."""
        await self._send(b"watch", run_id.encode(), b"%d" % stdout, b"%d" % stderr)

    async def _send(self, *fields: bytes) -> None:
        if self.lost:
            raise KeeperLost
        whole = memoryview(frame(*fields))
        data = whole
        async with self._sending:
            try:
                while data:
                    try:
                        data = data[self._socket.send(data) :]
                    except BlockingIOError:
                        await anyio.wait_writable(self._socket)
            except (OSError, anyio.ClosedResourceError):
                raise KeeperLost from None
            finally:
                if 0 < len(data) < len(whole):
                    # Its caller has given up on a keeper that reads no more. Half a frame would garble every later one.
                    self._hang_up()

    def _hang_up(self) -> None:
        self.lost = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # `serve` finds the end

    def close(self) -> None:
        """Close the connection; the keeper goes on."""
        anyio.notify_closing(self._socket)
        self._socket.close()
