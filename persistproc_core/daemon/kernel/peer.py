"""Who is at the other end of a connection: the kernel tells, so nobody can lie about it."""

from __future__ import annotations

import os
import socket
import struct
from typing import NamedTuple

from ...protocol import ClientInfo
from ..subscriptions.connection import Opening

__all__ = ["Peer", "is_us", "peer_of"]

_UCRED = struct.Struct("=iII")
# struct xucred of <sys/ucred.h>: version, uid, group count; LOCAL_PEERCRED and LOCAL_PEERPID of <sys/un.h>.
_XUCRED = struct.Struct("=IIh")
_LOCAL_PEERCRED = 1
_LOCAL_PEERPID = 2


class Peer(NamedTuple):
    """A peer's user and process; pid None where the system does not tell."""

    uid: int
    pid: int | None
    subscriptions: Opening | None = None
    """What the connection has subscribed to, as one request of it sees it."""

    def client(self, given: ClientInfo | None) -> ClientInfo:
        """Who acts: as the client says, with the pid of the connection where it says none."""
        client = ClientInfo(name="unknown")
        if given is not None:
            client.update(given)
        if self.pid is not None:
            client.setdefault("pid", self.pid)
        return client


def peer_of(connection: socket.socket) -> Peer:
    """The peer of a Unix socket (SO_PEERCRED, unix(7); LOCAL_PEERCRED on macOS and BSD). Raises `OSError`."""
    credentials = getattr(socket, "SO_PEERCRED", None)
    if credentials is not None:
        pid, uid, _ = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, credentials, _UCRED.size))
        return Peer(uid, pid)
    _, uid, _ = _XUCRED.unpack(connection.getsockopt(0, _LOCAL_PEERCRED, 76)[: _XUCRED.size])
    try:
        return Peer(uid, struct.unpack("=i", connection.getsockopt(0, _LOCAL_PEERPID, 4))[0])
    except OSError:
        return Peer(uid, None)


def is_us(peer: Peer) -> bool:
    """True when the peer is our own user."""
    return peer.uid == os.getuid()
