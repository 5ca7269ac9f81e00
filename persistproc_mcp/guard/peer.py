"""Who is at the other end of a connection: the user, and, when somebody asks, the process."""

from __future__ import annotations

import atexit
import os
import socket
import sys
import time
from ipaddress import IPv6Address, ip_address

from anyio import to_thread

from persistproc_core.unix_socket import credentials

from .proc_net import owner_in_proc
from .processes import Process, began_after, holder_of, process
from .sock_diag import Address, Owner, SockDiag

__all__ = ["PEER", "Peer", "peer_of", "users_can_be_told"]

PEER = "persistproc.peer"
"""Where a scope has its `Peer`."""

_sock_diag = SockDiag()
# At the end of a program that has warnings on, an open socket is one.
atexit.register(_sock_diag.close)


class Peer:
    """The other end of one connection. Made when the connection is; it never changes hands after that."""

    def __init__(self, uid: int | None, *, unix: bool, pid: int | None = None, inode: int = 0) -> None:
        self.uid = uid
        """Of the user at the other end; None where it cannot be told (TCP elsewhere than Linux, a closed peer)."""
        self.unix = unix
        """Whether it came over the Unix socket."""
        self._pid = pid
        self._inode = inode
        self._process: Process | None = None
        # Of the clock that the kernel counts the beginnings of processes by.
        self._since = time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else 0.0

    def __repr__(self) -> str:
        return f"Peer(uid={self.uid}, unix={self.unix})"

    @property
    def is_ours(self) -> bool:
        """Whether it is the user that we run as. Root is another user, unless we are root."""
        return self.uid is not None and self.uid == os.getuid()

    async def process(self) -> Process:
        """The process at the other end, as far as it can be told; looked up once, in a thread."""
        if self._process is None:
            if sys.platform != "linux" or not self.is_ours:
                self._process = Process(self._pid)
            else:
                # Not abandoned on cancel: it takes milliseconds, and the next request would only begin it again.
                self._process = await to_thread.run_sync(self._look_up)
        return self._process

    def _look_up(self) -> Process:
        pid = self._pid or (holder_of(self._inode) if self._inode else None)
        # Who connected may have ended, its socket be a child's, and its pid a stranger's by now.
        if pid is None or (self._pid is not None and began_after(pid, self._since)):
            return Process()
        return process(pid)


def peer_of(connection: socket.socket) -> Peer:
    """The peer of an accepted connection, TCP or Unix. Never raises: whose peer cannot be told has no uid."""
    unix = connection.family == socket.AF_UNIX
    try:
        if unix:
            uid, pid = credentials(connection)
            return Peer(uid, unix=True, pid=pid)
        owner = _owner(_address(connection.getpeername()), _address(connection.getsockname()))
    except OSError:
        owner = None
    # A peer that has closed is left in the table as uid 0 with inode 0 (FIN_WAIT2, TIME_WAIT): that is not root.
    if owner is None or owner.inode == 0:
        return Peer(None, unix=unix)
    return Peer(owner.uid, unix=unix, inode=owner.inode)


def users_can_be_told() -> bool:
    """Whether the user behind a TCP connection of this machine can be told here; else a token is needed."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
            accepted, _ = server.accept()
            with accepted:
                return peer_of(accepted).is_ours
    except OSError:
        return False


def _owner(source: Address, target: Address) -> Owner | None:
    if sys.platform != "linux":
        return None
    try:
        return _sock_diag.owner(source, target)
    except OSError:
        return owner_in_proc(source, target)


def _address(name: tuple[str, int]) -> Address:
    host, port = name[0].partition("%")[0], name[1]
    address = ip_address(host)
    # On a socket for both families an IPv4 peer is ::ffff:127.0.0.1; its own socket is in the table of IPv4.
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        host = str(address.ipv4_mapped)
    return host, port
