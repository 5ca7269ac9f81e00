"""The keeper's end of its socket: connections that never block the loop."""

from __future__ import annotations

import _socket
import os

from .wire import FrameReader, frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Link", "Listener", "close_all_but"]

_SOCK_FLAGS = getattr(_socket, "SOCK_CLOEXEC", 0) | getattr(_socket, "SOCK_NONBLOCK", 0)


class Link:
    """One connection. ``fd`` is -1 when it is closed; `waiting` is true while something is left to be sent."""

    __slots__ = ("_out", "_reader", "closed", "fd")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.closed = False
        self._reader = FrameReader()
        self._out = bytearray()
        os.set_blocking(fd, False)
        os.set_inheritable(fd, False)

    @property
    def waiting(self) -> bool:
        """True while something is left to be sent."""
        return bool(self._out)

    def receive(self) -> Iterator[list[bytes]]:
        """The messages that have come."""
        try:
            data = os.read(self.fd, 256 * 1024)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return
        try:
            yield from self._reader.feed(data)
        except ValueError:
            self.closed = True

    def send(self, *fields: bytes) -> None:
        """Send, or keep for later what does not fit now."""
        self._out += frame(*fields)
        self.flush()

    def flush(self) -> None:
        """Send what is waiting."""
        try:
            while self._out and self.fd >= 0:
                del self._out[: os.write(self.fd, self._out)]
        except BlockingIOError:
            pass
        except OSError:
            self.closed = True

    def close(self) -> None:
        """Close the connection."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Listener:
    """The keeper's socket. The lock is ours, so a socket file that is there already belongs to a dead keeper."""

    def __init__(self, path: str) -> None:
        """Bind ``path`` with mode 0600 (the umask makes it so at birth) and listen."""
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _SOCK_FLAGS)
        old = os.umask(0o177)
        try:
            self._socket.bind(path)
        finally:
            os.umask(old)
        self._path = path
        self._inode = os.stat(path).st_ino
        self._socket.listen(8)
        self._socket.setblocking(False)
        self.fd = self._socket.fileno()

    def accept(self) -> Link | None:
        """The next connection, or None when it has gone again or no descriptor is free."""
        connection = self.accept_socket()
        return None if connection is None else Link(connection.detach())

    def accept_socket(self) -> _socket.socket | None:
        """The same, as a non-blocking socket."""
        try:
            fd, _ = self._socket._accept()  # type: ignore[attr-defined]
        except OSError:
            return None
        connection = _socket.socket(fileno=fd)
        connection.setblocking(False)
        os.set_inheritable(fd, False)
        return connection

    def close(self) -> None:
        """Stop listening; the socket file stays."""
        self._socket.close()

    def rename(self, path: str) -> None:
        """Give the socket file another name. Raises `OSError`."""
        os.rename(self._path, path)
        self._path = path

    def remove(self) -> None:
        """Remove the socket file, unless it is a newer one's by now."""
        try:
            if os.stat(self._path).st_ino == self._inode:
                os.unlink(self._path)
        except OSError:
            pass


def close_all_but(spared: int) -> None:
    """Close every descriptor from 3 on but this one."""
    for name in os.listdir("/dev/fd"):
        if int(name) > 2 and int(name) != spared:
            try:
                os.close(int(name))
            except OSError:
                pass  # the listing's own descriptor
