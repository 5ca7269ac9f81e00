"""Listening TCP sockets from the kernel itself: sock_diag(7) over netlink(7).

Reading /proc/net/tcp makes the kernel walk its whole table of connections, which takes milliseconds; this takes 50 us.
It answers for our own network namespace.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

__all__ = ["listening"]

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST_DUMP = 0x301
_ERROR, _DONE = 2, 3
_TCP_LISTEN = 1 << 10
_SECONDS = 1.0

_HEADER = struct.Struct("=IHHII")
# struct inet_diag_req_v2 up to the states; an empty socket id (48 bytes) follows.
_REQUEST = struct.Struct("=BBBxI")
# Where they stand in struct inet_diag_msg, <linux/inet_diag.h>.
_PORT_AT, _ADDRESS_AT, _INODE_AT = 4, 8, 68


def listening() -> dict[bytes, tuple[int, str]]:
    """Port and address by inode, as ``/proc/<pid>/fd`` writes it. Raises `OSError` where there is none of this."""
    found = {}
    with socket.socket(getattr(socket, "AF_NETLINK", -1), socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(_SECONDS)
        for family in (socket.AF_INET, socket.AF_INET6):
            body = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, _TCP_LISTEN) + bytes(48)
            netlink.send(_HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0) + body)
            for message in _answers(netlink):
                (port,) = struct.unpack_from("!H", message, _PORT_AT)
                address = message[_ADDRESS_AT : _ADDRESS_AT + (4 if family == socket.AF_INET else 16)]
                (inode,) = struct.unpack_from("=I", message, _INODE_AT)
                found[b"%d" % inode] = (port, socket.inet_ntop(family, address))
    return found


def _answers(netlink: socket.socket) -> Iterator[bytes]:
    while True:
        data = netlink.recv(64 * 1024)
        at = 0
        while at + _HEADER.size <= len(data):
            size, kind, _, _, _ = _HEADER.unpack_from(data, at)
            if kind == _DONE:
                return
            if kind == _ERROR or size < _HEADER.size:
                raise OSError("sock_diag is refused")
            yield data[at + _HEADER.size : at + size]
            at += (size + 3) & ~3
