"""The keeper's end of its socket: connections that never block the loop."""

from __future__ import annotations

import _socket
import os

from .fields import Fields, dump
from .system import unlink
from .wire import FrameReader, frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Link", "Listener", "beside", "close_all_but"]

_SOCK_FLAGS = getattr(_socket, "SOCK_CLOEXEC", 0) | getattr(_socket, "SOCK_NONBLOCK", 0)


class Link:
    """One connection. ``fd`` is -1 when it is closed; `waiting` is true while something is left to be sent."""

    __slots__ = ("_out", "_reader", "closed", "fd")

    def __init__(self, fd: int, begun: bytes = b"", out: bytes = b"") -> None:
        """``begun``: of a frame that is coming in; ``out``: what is to be sent yet."""
        self.fd = fd
        self.closed = False
        self._reader = FrameReader(begun)
        self._out = bytearray(out)
        os.set_blocking(fd, False)

    def dump(self) -> bytes:
        """For the program that takes our place."""
        return dump(fd=self.fd, begun=self._reader.begun, out=bytes(self._out))

    @classmethod
    def of(cls, fields: Fields) -> Link:
        """What was dumped, with the same descriptor. Raises `ValueError`."""
        return cls(fields.number("fd"), fields.text("begun"), fields.text("out"))

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
        self.path = path
        self._inode = os.stat(path).st_ino
        self._socket.listen(8)
        self._socket.setblocking(False)
        self.fd = self._socket.fileno()

    def dump(self) -> bytes:
        """For the program that takes our place."""
        return dump(fd=self.fd, inode=self._inode)

    @classmethod
    def of(cls, path: str, fields: Fields) -> Listener:
        """What was dumped, with the same socket. Raises `OSError` and `ValueError`."""
        self = cls.__new__(cls)
        self.path, self._inode = path, fields.number("inode")
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, fields.number("fd"))
        self.fd = self._socket.fileno()
        return self

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
        os.rename(self.path, path)
        self.path = path

    @property
    def is_there(self) -> bool:
        """True while the socket's file is ours."""
        try:
            return os.stat(self.path).st_ino == self._inode
        except OSError:
            return False

    def remove(self) -> None:
        """Remove the socket file, unless it is a newer one's by now."""
        if self.is_there:
            unlink(os.fsencode(self.path))


def beside(path: str) -> str:
    """Where a socket is bound that is to be renamed to this path: no longer, for not every path may be (unix(7))."""
    folder, name = os.path.split(path)
    return os.path.join(folder, "." + name[:-1])


def close_all_but(spared: int) -> None:
    """Close every descriptor from 3 on but this one."""
    for name in os.listdir("/dev/fd"):
        if int(name) > 2 and int(name) != spared:
            try:
                os.close(int(name))
            except OSError:
                pass  # the listing's own descriptor
