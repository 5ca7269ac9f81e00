"""Who is at the other end of a connection: the kernel tells, so nobody can lie about it."""

from __future__ import annotations

import os
import socket
from typing import NamedTuple

from ...protocol import ClientInfo
from ...unix_socket import credentials
from ..subscriptions.connection import Opening

__all__ = ["Peer", "is_us", "peer_of"]


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
    """The peer of a Unix socket. Raises `OSError`."""
    return Peer(*credentials(connection))


def is_us(peer: Peer) -> bool:
    """True when the peer is our own user."""
    return peer.uid == os.getuid()
