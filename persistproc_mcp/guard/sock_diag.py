"""Who owns the other end of a local TCP connection, from the kernel itself: sock_diag(7) over netlink(7).

Both ends of a connection within one machine are in the kernel's table. An exact look-up takes about 20 us, however
many connections there are, and needs no privilege.
"""

from __future__ import annotations

import itertools
import socket
import struct
import threading
from typing import NamedTuple

__all__ = ["SYN_SENT", "Address", "Owner", "SockDiag"]

Address = tuple[str, int]
"""A literal IP address, and a port."""

SYN_SENT = 2
"""The state (<linux/tcp_states.h>) of a socket whose connection was not accepted: it is nobody's peer yet."""

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST = 0x1
_ERROR = 2
_NO_SUCH_SOCKET = 2  # ENOENT
_ALL_STATES = 0xFFFFFFFF
_SECONDS = 1.0

# struct nlmsghdr; struct inet_diag_req_v2 up to its socket id; the ports of struct inet_diag_sockid, which begins it;
# its interface, and a cookie that says that none is known. <linux/inet_diag.h>.
_HEADER = struct.Struct("=IHHII")
_QUERY = struct.Struct("=BBBxI")
_PORTS = struct.Struct("!HH")
_ANY_INTERFACE = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
# Where they stand in struct inet_diag_msg.
_STATE_AT, _SOCKET_AT, _SOURCE_AT, _TARGET_AT, _OWNER_AT, _SIZE = 1, 4, 8, 24, 64, 72


class Owner(NamedTuple):
    """Whose socket it is."""

    uid: int
    """Of who made the socket, as our user namespace has it."""
    inode: int
    """As ``/proc/<pid>/fd`` writes it; 0: no process holds the socket any more, and then the uid means nothing."""


class SockDiag:
    """Looks up sockets. Holds one netlink socket; any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._netlink: socket.socket | None = None
        self._numbers = itertools.count(1)

    def owner(self, source: Address, target: Address) -> Owner | None:
        """The owner of the socket that is bound to ``source`` and connected to ``target``; None: there is none.

        Raises `OSError` where the kernel does not answer such questions.
        """
        family = socket.AF_INET6 if ":" in source[0] else socket.AF_INET
        ends = [socket.inet_pton(family, host) for host, _ in (source, target)]
        ports = _PORTS.pack(source[1], target[1])
        query = _QUERY.pack(family, socket.IPPROTO_TCP, 0, _ALL_STATES) + ports
        message = self._ask(query + b"".join(end.ljust(16, b"\0") for end in ends) + _ANY_INTERFACE)
        if message is None:
            return None
        # Where no connection fits, the kernel looks for a listener on the port instead (inet_lookup in its source):
        # somebody else's, if he was quick. Only the very connection counts.
        if message[_SOCKET_AT:_SOURCE_AT] != ports:
            return None
        if not (_same(message[_SOURCE_AT:], ends[0]) and _same(message[_TARGET_AT:], ends[1])):
            return None
        # The peer has gone, and ours tries the same port once more: of a connection in the queue for long, another
        # user could have sent what is in it.
        if message[_STATE_AT] == SYN_SENT:
            return None
        return Owner(*struct.unpack_from("=II", message, _OWNER_AT))

    def close(self) -> None:
        """Close the socket; the next question opens one again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._netlink is not None:
            self._netlink.close()
            self._netlink = None

    def _ask(self, query: bytes) -> bytes | None:
        with self._lock:
            if self._netlink is None:
                self._netlink = socket.socket(getattr(socket, "AF_NETLINK", -1), socket.SOCK_RAW, _NETLINK_SOCK_DIAG)
                self._netlink.settimeout(_SECONDS)
            number = next(self._numbers)
            try:
                size = _HEADER.size + len(query)
                self._netlink.send(_HEADER.pack(size, _SOCK_DIAG_BY_FAMILY, _REQUEST, number, 0) + query)
                while True:
                    data = self._netlink.recv(64 * 1024)
                    _, kind, _, answers, _ = _HEADER.unpack_from(data)
                    if answers == number:
                        return _body(kind, data)
            except OSError:
                # What the kernel had to say may come late: it must not be taken for the answer to the next question.
                self._close()
                raise


def _body(kind: int, data: bytes) -> bytes | None:
    body = data[_HEADER.size :]
    if kind == _ERROR:
        (number,) = struct.unpack_from("=i", body)
        if -number == _NO_SUCH_SOCKET:
            return None
        raise OSError(-number, "sock_diag is refused")
    if kind != _SOCK_DIAG_BY_FAMILY or len(body) < _SIZE:
        raise OSError("sock_diag answered something else")
    return body


def _same(field: bytes, address: bytes) -> bool:
    if field.startswith(address) and not any(field[len(address) : 16]):
        return True
    # An IPv6 socket that is connected to an IPv4 address: ::ffff:127.0.0.1 (RFC 4291, section 2.5.5.2).
    return len(address) == 4 and field[:16] == bytes(10) + b"\xff\xff" + address
