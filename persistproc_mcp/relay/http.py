"""As much of an HTTP/1.1 client (RFC 9112) as the bridge's answers need, on the bridge's own socket.

``http.client`` takes as long to load as all the rest of the relay.
"""

from __future__ import annotations

import os
from _socket import AF_UNIX, SHUT_RDWR, SOCK_STREAM, socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Exchange", "Lost"]

_CHUNK = 65536
_LONGEST_LINE = 65536


class Lost(Exception):
    """The connection ended before the answer did.

    ``unread``: the bridge cannot have read the request to its end, so it has done nothing of it.
    """

    def __init__(self, unread: bool) -> None:
        super().__init__("the bridge has closed the connection")
        self.unread = unread


class Exchange:
    """One request and its response, on a connection of its own."""

    def __init__(self, path: str) -> None:
        """Connect; raises the `OSError` of connect(2)."""
        self.status = 0
        self.headers: dict[str, str] = {}
        self._buffer = bytearray()
        self._socket = socket(AF_UNIX, SOCK_STREAM)
        try:
            self._socket.connect(os.fsencode(path))
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def abandon(self) -> None:
        """End it from another thread, which closing would not: a thread that waits for bytes would go on waiting."""
        try:
            self._socket.shutdown(SHUT_RDWR)
        except OSError:
            pass  # it has ended already

    def send(self, head: list[str], body: bytes) -> None:
        """Send the request and read the head of the response. Raises `Lost`."""
        lines = [*head, f"Content-Length: {len(body)}", "Connection: close", "", ""]
        try:
            self._socket.sendall("\r\n".join(lines).encode("ascii") + body)
        except OSError:
            # Without the rest of it the bridge will not begin.
            raise Lost(unread=True) from None
        status = self._line(first=True)
        self.status = int(status.split(b" ")[1])
        while line := self._line():
            name, _, value = line.partition(b":")
            self.headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")

    def body(self) -> Iterator[bytes]:
        """The body in pieces, as they come. Raises `Lost`."""
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            while size := int(self._line().split(b";")[0], 16):
                yield self._exactly(size)
                self._line()
        elif "content-length" in self.headers:
            yield self._exactly(int(self.headers["content-length"]))
        else:
            while data := bytes(self._buffer) or self._receive():
                self._buffer.clear()
                yield data

    def _line(self, *, first: bool = False) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > _LONGEST_LINE:
                raise Lost(unread=False)
            self._more(first and not self._buffer)
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _more(self, first: bool = False) -> None:
        data = self._receive(first)
        if not data:
            raise Lost(unread=False)
        self._buffer += data

    def _receive(self, first: bool = False) -> bytes:
        try:
            return self._socket.recv(_CHUNK)
        except ConnectionResetError:
            # Linux says this of a Unix socket, rather than its end, when its other end was closed with bytes unread
            # (unix_release_sock), or was never accepted: the bridge died before it had our request.
            raise Lost(unread=first and os.uname().sysname == "Linux") from None
        except OSError:
            raise Lost(unread=False) from None
