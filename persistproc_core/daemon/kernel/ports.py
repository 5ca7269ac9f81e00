"""TCP ports on which given processes listen."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from . import sock_diag
from .identity import HAVE_PROCFS

if TYPE_CHECKING:
    from ...protocol import Listener

__all__ = ["endpoint", "holders", "listeners", "listeners_by_run", "sockets"]


class _Endpoint(NamedTuple):
    port: int
    address: str


def listeners(pids: Iterable[int], *, procfs_available: bool = HAVE_PROCFS) -> list[Listener]:
    """The listening TCP sockets of the processes, by port and address.

    A socket that several of them hold (a server and its workers) is told once, with the lowest pid. Processes that are
    gone or may not be inspected have none.
    """
    return listeners_by_run({"": pids}, procfs_available=procfs_available)[""]


def listeners_by_run(
    pids: Mapping[str, Iterable[int]], *, procfs_available: bool = HAVE_PROCFS
) -> dict[str, list[Listener]]:
    """`listeners` for several runs at one look; what two runs share is told of both."""
    tables: dict[str, dict[bytes, _Endpoint]] = {}
    found: dict[str, list[Listener]] = {}
    for run_id, members in pids.items():
        first: dict[_Endpoint, int] = {}
        for pid in sorted(set(members)):
            for endpoint in _by_procfs(pid, tables) if procfs_available else _by_psutil(pid):
                first.setdefault(endpoint, pid)
        found[run_id] = [
            {"port": each.port, "address": each.address, "pid": pid, "url": None} for each, pid in sorted(first.items())
        ]
    return found


def holders(inodes: Iterable[bytes], pids: Iterable[int]) -> list[int]:
    """Those of the processes that have one of these sockets open."""
    wanted = set(inodes)
    found = []
    for pid in pids:
        try:
            if not wanted.isdisjoint(_sockets(pid)):
                found.append(pid)
        except OSError:
            continue
    return found


def sockets(pids: Iterable[int]) -> set[bytes]:
    """The inodes of all sockets that these processes have open."""
    found: set[bytes] = set()
    for pid in pids:
        try:
            found.update(_sockets(pid))
        except OSError:
            continue
    return found


def _by_procfs(pid: int, tables: dict[str, dict[bytes, _Endpoint]]) -> Iterator[_Endpoint]:
    try:
        # Most processes have no socket at all, and the kernel takes milliseconds to print its tables.
        inodes = _sockets(pid)
        if not inodes:
            return
        # A process in a network namespace of its own has tables of its own.
        namespace = os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return
    if namespace not in tables:
        tables[namespace] = _of_namespace(namespace, pid)
    for inode in inodes:
        if endpoint := tables[namespace].get(inode):
            yield endpoint


def _sockets(pid: int) -> list[bytes]:
    """The inodes of the sockets that a process has open (proc_pid_fd(5)). Raises `OSError`."""
    found = []
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{descriptor}".encode("ascii"))
        except OSError:
            continue
        if target.startswith(b"socket:["):
            found.append(target[8:-1])
    return found


def _of_namespace(namespace: str, pid: int) -> dict[bytes, _Endpoint]:
    try:
        if namespace == os.readlink("/proc/self/ns/net"):
            return {inode: _Endpoint(port, address) for inode, (port, address) in sock_diag.listening().items()}
    except OSError:
        pass  # a sandbox that refuses netlink
    return {**_table(pid, "tcp"), **_table(pid, "tcp6")}


def _table(pid: int, name: str) -> dict[bytes, _Endpoint]:
    """Listening sockets by inode, from ``/proc/<pid>/net/tcp`` (proc_pid_net(5))."""
    try:
        with open(f"/proc/{pid}/net/{name}", "rb") as file:
            lines = file.read().splitlines()[1:]
    except OSError:
        return {}
    found = {}
    for line in lines:
        # sl local_address rem_address st ...; 0A is TCP_LISTEN. The tenth field is the inode.
        fields = line.split()
        if len(fields) > 9 and fields[3] == b"0A":
            found[fields[9]] = endpoint(fields[1].decode("ascii"))
    return found


def endpoint(text: str) -> _Endpoint:
    """An address as ``/proc/<pid>/net/tcp`` writes it (proc_pid_net(5))."""
    # The address is printed as 32-bit words in the byte order of the machine, the port as a plain number.
    digits, _, port = text.rpartition(":")
    words = [int(digits[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(digits), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return _Endpoint(int(port, 16), socket.inet_ntop(family, b"".join(words)))


def _by_psutil(pid: int) -> Iterator[_Endpoint]:
    import psutil

    try:
        for connection in psutil.Process(pid).net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr:
                yield _Endpoint(connection.laddr.port, connection.laddr.ip)
    except (psutil.Error, OSError):
        return
