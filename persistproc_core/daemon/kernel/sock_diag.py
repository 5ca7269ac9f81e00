"""TCP sockets from the kernel itself: sock_diag(7) over netlink(7).

Reading /proc/net/tcp makes the kernel walk its whole table of connections, which takes milliseconds; this takes 50 us.
It answers for our own network namespace.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Collection, Iterator
from types import TracebackType
from typing import NamedTuple

__all__ = ["Connection", "SocketTable", "listening"]

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST_ONE, _REQUEST_DUMP = 0x1, 0x301
_ERROR, _DONE = 2, 3
_TCP_LISTEN = 1 << 10
_TCP_FIN_WAIT2, _TCP_TIME_WAIT, _TCP_CLOSE, _TCP_CLOSE_WAIT = 5, 6, 7, 8
# Bits by the numbers of <net/tcp_states.h>, 1 to 12. A server that forgets to close what its peer has closed may be in
# CLOSE_WAIT for ever, with nobody at the other end.
_CONNECTED = 0x1FFE & ~_TCP_LISTEN & ~(1 << _TCP_CLOSE) & ~(1 << _TCP_CLOSE_WAIT)
_TIME_WAIT_SECONDS = 60.0
_SECONDS = 1.0

_HEADER = struct.Struct("=IHHII")
# struct inet_diag_req_v2 up to the states; a socket id of 48 bytes follows, of which the first two are the local port.
_REQUEST = struct.Struct("=BBBxI")
_PORT = struct.Struct("!H")
_PORTS = struct.Struct("!HH")
# The rest of struct inet_diag_sockid: source, destination, interface, and a cookie that says that none is known.
_ANY_INTERFACE = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
_LOOPBACK = (
    (socket.AF_INET, socket.inet_pton(socket.AF_INET, "127.0.0.1") + bytes(12)),
    (socket.AF_INET6, socket.inet_pton(socket.AF_INET6, "::1")),
)
# Where they stand in struct inet_diag_msg, <linux/inet_diag.h>.
_STATE_AT, _PORT_AT, _ADDRESS_AT, _PEER_AT, _EXPIRES_AT, _INODE_AT = 1, 4, 8, 24, 52, 68


class Connection(NamedTuple):
    """One end of a TCP connection, as its own side sees it."""

    address: str
    port: int
    peer_address: str
    peer_port: int
    inode: bytes
    """As ``/proc/<pid>/fd`` writes it; 0 for one that is closed."""
    closed_seconds: float
    """How long ago it was closed, where it is only remembered; 0 else."""


class SocketTable:
    """The kernel's table of listening sockets, for several questions. Raises `OSError` where it is refused."""

    def __init__(self) -> None:
        self._netlink = socket.socket(getattr(socket, "AF_NETLINK", -1), socket.SOCK_RAW, _NETLINK_SOCK_DIAG)
        self._netlink.settimeout(_SECONDS)

    def listening(self, port: int = 0) -> dict[bytes, tuple[int, str]]:
        """Port and address by inode, as ``/proc/<pid>/fd`` writes it; of one port alone, or of all."""
        found = {}
        for family in (socket.AF_INET, socket.AF_INET6):
            for message in self._ask(family, port):
                (number,) = _PORT.unpack_from(message, _PORT_AT)
                address = message[_ADDRESS_AT : _ADDRESS_AT + (4 if family == socket.AF_INET else 16)]
                (inode,) = struct.unpack_from("=I", message, _INODE_AT)
                found[b"%d" % inode] = (number, socket.inet_ntop(family, address))
        return found

    def local_listeners(self, port: int) -> tuple[bytes, ...]:
        """The inodes of the sockets that would accept a connection to the port on 127.0.0.1 and ::1.

        Two look-ups of one socket each, which take a quarter of `listening`.
        """
        found = []
        for family, address in _LOOPBACK:
            sockets = _PORTS.pack(port, 0) + address + bytes(16) + _ANY_INTERFACE
            body = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, _TCP_LISTEN) + sockets
            self._netlink.send(_HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _REQUEST_ONE, 1, 0) + body)
            data = self._netlink.recv(64 * 1024)
            if _HEADER.unpack_from(data)[1] != _ERROR:  # the error is that there is none
                found.append(data[_HEADER.size + _INODE_AT : _HEADER.size + _INODE_AT + 4])
        return tuple(found)

    def connections(self, ports: Collection[int]) -> list[Connection]:
        """The connections to and from these ports, also those of the last minute whose closing the kernel remembers.

        TIME_WAIT lasts a minute (TCP_TIMEWAIT_LEN), on the side that closed first; FIN_WAIT2 before it as long, unless
        tcp_fin_timeout is set otherwise (tcp(7)).
        """
        found = []
        for family in (socket.AF_INET, socket.AF_INET6):
            size = 4 if family == socket.AF_INET else 16
            for message in self._ask(family, 0, _CONNECTED):
                port, peer_port = _PORTS.unpack_from(message, _PORT_AT)
                if port not in ports and peer_port not in ports:
                    continue
                expires, inode = (struct.unpack_from("=I", message, at)[0] for at in (_EXPIRES_AT, _INODE_AT))
                # Closed here, and then there or not yet: in both states the kernel alone may still have it.
                remembered = message[_STATE_AT] in (_TCP_FIN_WAIT2, _TCP_TIME_WAIT) and inode == 0 and expires > 0
                found.append(
                    Connection(
                        socket.inet_ntop(family, message[_ADDRESS_AT : _ADDRESS_AT + size]),
                        port,
                        socket.inet_ntop(family, message[_PEER_AT : _PEER_AT + size]),
                        peer_port,
                        b"%d" % inode,
                        max(0.0, _TIME_WAIT_SECONDS - expires / 1000) if remembered else 0.0,
                    )
                )
        return found

    def _ask(self, family: int, port: int, states: int = _TCP_LISTEN) -> Iterator[bytes]:
        body = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, states) + _PORT.pack(port) + bytes(46)
        self._netlink.send(_HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0) + body)
        while True:
            data = self._netlink.recv(64 * 1024)
            at = 0
            while at + _HEADER.size <= len(data):
                size, kind, _, _, _ = _HEADER.unpack_from(data, at)
                if kind == _DONE:
                    return
                if kind == _ERROR or size < _HEADER.size:
                    raise OSError("sock_diag is refused")
                yield data[at + _HEADER.size : at + size]
                at += (size + 3) & ~3

    def close(self) -> None:
        """Close it. Closing twice is fine."""
        self._netlink.close()

    def __enter__(self) -> SocketTable:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def listening() -> dict[bytes, tuple[int, str]]:
    """All of them, asked once. Raises `OSError` where there is none of this."""
    with SocketTable() as table:
        return table.listening()
