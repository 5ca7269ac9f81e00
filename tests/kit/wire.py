"""The protocol by hand: a socket, lines, and nothing of the client library, so that one test cannot hide the other."""

from __future__ import annotations

import json
import select
import socket
import time
from types import TracebackType
from typing import Any

__all__ = ["RawConnection", "WireError"]


class WireError(AssertionError):
    """The daemon replied with an error object; ``error`` is that object."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(json.dumps(error))
        self.error = error

    @property
    def code(self) -> str:
        """The stable string code."""
        return str(self.error.get("data", {}).get("error"))


class RawConnection:
    """One connection to the daemon. ``hello`` holds the parameters of its first line."""

    def __init__(self, path: str, within: float = 10.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(within)
        self._buffer = b""
        self._last_id = 0
        try:
            _connect(self._socket, path, within)
            first = self.read()
            assert first["method"] == "hello", first
            assert "id" not in first
            self.hello: dict[str, Any] = first["params"]
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> RawConnection:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def socket(self) -> socket.socket:
        """For tests that half-close, stall or reset."""
        return self._socket

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def send_bytes(self, data: bytes) -> None:
        """Bytes as they are; the newline is yours."""
        self._socket.sendall(data)

    def send(self, message: object) -> None:
        """One message."""
        self.send_bytes(json.dumps(message).encode() + b"\n")

    def read_bytes(self) -> bytes:
        """One line without its ending. Raises `EOFError` when the daemon closed, `TimeoutError` when it is late."""
        while b"\n" not in self._buffer:
            data = self._socket.recv(65536)
            if not data:
                raise EOFError(f"the daemon closed the connection after {self._buffer[-200:]!r}")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line

    def read(self) -> Any:
        """One message."""
        return json.loads(self.read_bytes())

    def ask(self, method: str, params: object = None) -> None:
        """Send a request; `reply` has what comes back."""
        self._last_id += 1
        message: dict[str, object] = {"jsonrpc": "2.0", "method": method, "id": self._last_id}
        if params is not None:
            message["params"] = params
        self.send(message)

    def reply(self) -> dict[str, Any]:
        """The whole reply to what was asked last, be it a result or an error."""
        reply = self.read()
        assert isinstance(reply, dict), reply
        assert reply.get("jsonrpc") == "2.0", reply
        assert reply.get("id") == self._last_id, reply
        return reply

    def result(self) -> Any:
        """The result of what was asked last. Raises `WireError` for an error reply."""
        reply = self.reply()
        if "error" in reply:
            raise WireError(reply["error"])
        return reply["result"]

    def request(self, method: str, params: object = None) -> dict[str, Any]:
        """Send a request, return the whole reply to it, be it a result or an error."""
        self.ask(method, params)
        return self.reply()

    def call(self, method: str, **params: object) -> Any:
        """Send a request, return its result. Raises `WireError` for an error reply."""
        self.ask(method, params)
        return self.result()

    def error(self, method: str, params: object = None) -> dict[str, Any]:
        """Send a request that must fail, return its error object."""
        reply = self.request(method, params)
        assert "error" in reply, reply
        error: dict[str, Any] = reply["error"]
        return error

    def ended(self) -> bool:
        """True when the daemon closed its side and nothing more was sent."""
        try:
            return self._socket.recv(1) == b""
        except ConnectionResetError:
            return True


def _connect(connection: socket.socket, path: str, within: float) -> None:
    deadline = time.monotonic() + within
    while True:
        try:
            return connection.connect(path)
        except BlockingIOError:
            # The listen queue is full, and nothing tells when there is room again (connect(2), unix(7)).
            if time.monotonic() >= deadline:
                raise
            select.select([], [], [], 0.01)
