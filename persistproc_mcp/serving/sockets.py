"""The bridge's two listening sockets, both bound by us."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import stat

from persistproc_core.errors import InvalidParams, PersistprocError
from persistproc_core.paths import Home
from persistproc_core.unix_socket import bind_private, remove_own

__all__ = ["PortTaken", "UnixListener", "address_of", "bind_port", "is_loopback"]

_BACKLOG = 256


class PortTaken(PersistprocError):
    """Somebody listens on the port already."""

    code = "port_taken"


class UnixListener:
    """The socket in the home: mode 0600 from birth, its file removed by whoever made it and nobody else."""

    def __init__(self, home: Home) -> None:
        """The lock of the bridge is held, so a file that is there already is stale. Raises `PersistprocError`."""
        self.path = home.bridge_socket
        self.bind()

    def bind(self) -> None:
        """Bind it, or another one in its place; the former one is left open. Raises `PersistprocError`."""
        self.socket = _bind(self.path)
        self.inode = os.stat(self.path).st_ino

    def is_whole(self) -> bool:
        """Whether the file is there, and ours. Raises `OSError` when that cannot be told."""
        try:
            # While it is bound no other file gets its number.
            return os.lstat(self.path).st_ino == self.inode
        except FileNotFoundError:
            return False

    def replace(self, bound: socket.socket, inode: int) -> None:
        """Have the one that another process has bound in its place."""
        self.socket.close()
        self.socket, self.inode = bound, inode

    def listen(self) -> None:
        """Have the kernel name this process as the one that listens: it notes who has done so last (unix(7))."""
        self.socket.listen(_BACKLOG)

    def remove(self) -> None:
        """Remove the file: who comes now finds nobody, and starts the next bridge."""
        remove_own(self.path, self.inode)


def _bind(path: str) -> socket.socket:
    try:
        _remove_stale(path)
        return bind_private(path, _BACKLOG)
    except OSError as error:
        raise PersistprocError(f"cannot listen on {path}: {error.strerror}", hint="check the folder") from None


def _remove_stale(path: str) -> None:
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise PersistprocError(f"{path} is in the way: it is no socket", hint="move it away")
        os.unlink(path)
    except FileNotFoundError:
        pass


def address_of(host: str) -> str:
    """The address that a host stands for, in numbers. Raises `InvalidParams`."""
    if host == "localhost":
        # The resolver may say ::1 first, and agents' configurations name 127.0.0.1.
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise InvalidParams(f"--host {host!r} is no address of this machine", hint="for example 127.0.0.1") from None
    return str(found[0][4][0])


def is_loopback(address: str) -> bool:
    """True for an address that only programs of this machine can connect to (RFC 1122, 3.2.1.3; RFC 4291, 2.5.3)."""
    return ipaddress.ip_address(address).is_loopback


def bind_port(address: str, port: int) -> socket.socket:
    """A listening TCP socket. Raises `PortTaken`, and `PersistprocError` for anything else that is in the way."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # asyncio turns Nagle's algorithm off (tcp(7), TCP_NODELAY) for sockets whose protocol is said, and for no others;
    # with it the second part of each response waits 40 ms for the acknowledgement of the first.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Connections of the last bridge that are in TIME_WAIT must not keep the next one from starting (tcp(7)).
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"port {port} of {address} is taken") from None
        hint = "ports below 1024 are root's: --port N" if error.errno == errno.EACCES else "see --host and --port"
        raise PersistprocError(f"cannot listen on {address} port {port}: {error.strerror}", hint=hint) from None
    return listener
