"""Clients that vanish: in the middle of a request, of a call, of a wait and of a stream, with and without a reset."""

from __future__ import annotations

import itertools
import random
import socket
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.kit.raw_http import LEGACY, MODERN, connect, get, post, tool_call

__all__ = ["Vanishing"]

_AT_ONCE = 8
_WAIT_SECONDS = 1.0
"""A client of the older versions that goes away does not cancel its call by that: it comes to its own end."""
_LONGEST = 0.02
"""Seconds that a client stays, at most: about as long as a call takes."""


class Vanishing:
    """Kinds of clients in turn, eight at a time."""

    def __init__(self, port: int, directory: str, seed: int) -> None:
        self._port = port
        self._random = random.Random(seed)
        web: dict[str, object] = {"process": "web", "working_directory": directory}
        wait = {**web, "output": "never", "timeout_seconds": _WAIT_SECONDS}
        request = tool_call(port, "get_process_output", web, MODERN)
        streams = {"notifications": {"resourceSubscriptions": ["persistproc://processes/web/output"]}}
        kinds: list[Callable[[socket.socket], None]] = [
            *(_sends(request[: len(request) * part // 4]) for part in (0, 1, 3)),
            *(_sends(tool_call(port, "get_process_output", web, version)) for version in (MODERN, LEGACY)),
            *(_sends(tool_call(port, "wait_for_process", wait, version)) for version in (MODERN, LEGACY)),
            _streams(post(port, "subscriptions/listen", dict(streams), MODERN)),
            _streams(get(port, "/api/events?all_projects=true")),
            _streams(get(port, "/api/output/stream?all_projects=true&text=true")),
            _streams(_upgrade(port)),
        ]
        self._kinds = itertools.cycle(itertools.product(kinds, (False, True)))

    def vanish(self, count: int) -> int:
        """Let as many clients come and go; returns how many were there."""
        plans = [(*next(self._kinds), self._random.uniform(0, _LONGEST)) for _ in range(count)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return sum(pool.map(lambda plan: self._one(*plan), plans))

    def _one(self, act: Callable[[socket.socket], None], reset: bool, stays: float) -> int:
        connection = connect(self._port)
        try:
            act(connection)
            time.sleep(stays)  # the point at which it vanishes is any
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        finally:
            connection.close()
        return 1


def _sends(data: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(data)


def _streams(data: bytes) -> Callable[[socket.socket], None]:
    def act(connection: socket.socket) -> None:
        connection.sendall(data)
        # Something of the stream is there: it has begun.
        received = connection.recv(65536)
        assert received.startswith((b"HTTP/1.1 200", b"HTTP/1.1 101")), received

    return act


def _upgrade(port: int) -> bytes:
    return (
        f"GET /api/events?all_projects=true HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode("ascii")
