"""Who owns the other end of a local TCP connection, from ``/proc/net``: where netlink is refused (some sandboxes).

The kernel writes its whole table for it, about 2 ms for each thousand connections of the machine; see `sock_diag` for
the better way. It is done on the event loop all the same, once for a connection: nothing may be read before it is known
who sends it, and from within a thread, which holds the interpreter as well, it would cost others as much.
"""

from __future__ import annotations

import socket
import struct

from .sock_diag import SYN_SENT, Address, Owner

__all__ = ["owner_in_proc"]

_FILES = ("/proc/net/tcp", "/proc/net/tcp6")


def owner_in_proc(source: Address, target: Address) -> Owner | None:
    """The owner of the socket that is bound to ``source`` and connected to ``target``; None: there is none.

    Raises `OSError` where there is no such file. Columns as in proc(5): local and remote address, state, uid, inode.
    """
    wanted = {(_written(source, mapped), _written(target, mapped)) for mapped in (False, True)}
    for path in _FILES:
        try:
            with open(path, encoding="ascii") as file:
                lines = file.readlines()[1:]
        except FileNotFoundError:
            if path == _FILES[0]:
                raise
            continue  # a kernel without IPv6
        for line in lines:
            columns = line.split()
            if (columns[1], columns[2]) in wanted:
                return None if int(columns[3], 16) == SYN_SENT else Owner(int(columns[7]), int(columns[9]))
    return None


def _written(address: Address, mapped: bool) -> str:
    """As the file has it: words of 32 bits in the machine's order, in hexadecimal."""
    host, port = address
    if ":" in host:
        packed = socket.inet_pton(socket.AF_INET6, host)
    else:
        packed = (bytes(10) + b"\xff\xff" if mapped else b"") + socket.inet_pton(socket.AF_INET, host)
    words = struct.unpack(f"={len(packed) // 4}I", packed)
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"
