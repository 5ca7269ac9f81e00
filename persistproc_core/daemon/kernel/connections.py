"""Whether somebody is connected to the ports of runs, or was until a moment ago.

The kernel remembers for a minute that a TCP connection was closed (TIME_WAIT), on the side that closed it first: so of
a short request on this machine there is a trace, whoever closed it. Of a client on another machine that closed first
there is none.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from .identity import HAVE_PROCFS
from .ports import endpoint, sockets
from .sock_diag import Connection, SocketTable

if TYPE_CHECKING:
    from ...protocol import Listener

__all__ = ["connected_seconds"]

_ANYWHERE = frozenset({"0.0.0.0", "::"})
_STATES = frozenset({"01", "03", "04", "05", "06", "09", "0B", "0C"})
"""Those of /proc/net/tcp that count: all but SYN_SENT, CLOSE, CLOSE_WAIT and LISTEN."""
_REMEMBERED = frozenset({"05", "06"})
"""FIN_WAIT2 and TIME_WAIT: the kernel alone may still have it."""
_NOT_COUNTED = frozenset({"CLOSE", "CLOSE_WAIT", "LISTEN", "NONE"})
_TIME_WAIT_SECONDS = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")
_CLOSED = b"0"


def connected_seconds(
    listeners: Mapping[str, list[Listener]],
    pids: Mapping[str, Iterable[int]],
    *,
    procfs_available: bool = HAVE_PROCFS,
    netlink_available: bool = True,
) -> dict[str, float]:
    """By run id, how many seconds ago somebody was connected to a port of the run: 0 is now.

    Without those to which nobody was seen. What a run does with its own ports (its workers, a proxy in front) does not
    count. ``listeners`` and ``pids`` are the ports and the processes of each run.
    """
    if not procfs_available:
        return {run_id: 0.0 for run_id, found in listeners.items() if _by_psutil(found, pids[run_id])}
    ports = frozenset(listener["port"] for found in listeners.values() for listener in found)
    tables: dict[str, list[Connection]] = {}
    seconds = {}
    for run_id, found in listeners.items():
        ago = [
            connection.closed_seconds
            for namespace, of_it in _by_namespace(found).items()
            for connection in _to_run(
                _table(tables, namespace, of_it[0]["pid"], ports, netlink_available), of_it, sockets(pids[run_id])
            )
        ]
        if ago:
            seconds[run_id] = min(ago)
    return seconds


def _by_namespace(listeners: Iterable[Listener]) -> dict[str, list[Listener]]:
    found: dict[str, list[Listener]] = {}
    for listener in listeners:
        try:
            found.setdefault(os.readlink(f"/proc/{listener['pid']}/ns/net"), []).append(listener)
        except OSError:
            continue
    return found


def _table(
    tables: dict[str, list[Connection]], namespace: str, pid: int, ports: frozenset[int], netlink: bool
) -> list[Connection]:
    if namespace not in tables:
        tables[namespace] = [
            connection._replace(address=_plain(connection.address), peer_address=_plain(connection.peer_address))
            for connection in _of_namespace(namespace, pid, ports, netlink)
        ]
    return tables[namespace]


def _of_namespace(namespace: str, pid: int, ports: frozenset[int], netlink: bool) -> list[Connection]:
    try:
        if netlink and namespace == os.readlink("/proc/self/ns/net"):
            with SocketTable() as table:
                return table.connections(ports)
    except OSError:
        pass  # a sandbox that refuses netlink
    return [each for name in ("tcp", "tcp6") for each in _printed(pid, name) if {each.port, each.peer_port} & ports]


def _to_run(table: list[Connection], listeners: list[Listener], own: Collection[bytes]) -> Iterator[Connection]:
    """Those that lead to these listeners from outside the run, whose ``own`` sockets are given by their inodes."""
    inodes = {(each.address, each.port, each.peer_address, each.peer_port): each.inode for each in table}
    for connection in table:
        if _listens(listeners, connection.address, connection.port):
            # The other end, where it is on this machine.
            other = inodes.get((connection.peer_address, connection.peer_port, connection.address, connection.port))
        elif _is_here(connection) and _listens(listeners, connection.peer_address, connection.peer_port):
            other = connection.inode
        else:
            continue
        if other is None or other == _CLOSED or other not in own:
            yield connection


def _listens(listeners: list[Listener], address: str, port: int) -> bool:
    return any(
        listener["port"] == port and (listener["address"] in _ANYWHERE or _plain(listener["address"]) == address)
        for listener in listeners
    )


def _is_here(connection: Connection) -> bool:
    """Whether its other end is on this machine."""
    peer = connection.peer_address
    return peer in (connection.address, "::1") or peer.startswith("127.")


def _plain(address: str) -> str:
    # A server that listens on :: sees those who come by IPv4 as ::ffff:127.0.0.1 (RFC 4291, section 2.5.5.2).
    return address.removeprefix("::ffff:") if "." in address else address


def _printed(pid: int, name: str) -> Iterator[Connection]:
    """The connections in ``/proc/<pid>/net/tcp`` (proc_pid_net(5))."""
    try:
        with open(f"/proc/{pid}/net/{name}", encoding="ascii") as file:
            lines = file.read().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        # sl local_address rem_address st tx:rx tr:tm->when retrnsmt uid timeout inode
        fields = line.split()
        if len(fields) > 9 and fields[3] in _STATES:
            local, peer = endpoint(fields[1]), endpoint(fields[2])
            left = int(fields[5].partition(":")[2], 16) / _TICKS
            remembered = fields[3] in _REMEMBERED and fields[9] == "0" and left > 0
            closed = max(0.0, _TIME_WAIT_SECONDS - left) if remembered else 0.0
            yield Connection(local.address, local.port, peer.address, peer.port, fields[9].encode("ascii"), closed)


def _by_psutil(listeners: list[Listener], pids: Iterable[int]) -> bool:
    import psutil

    ports = {listener["port"] for listener in listeners}
    own: set[tuple[str, int]] = set()
    peers: list[tuple[str, int]] = []
    for pid in pids if ports else ():
        try:
            found = psutil.Process(pid).net_connections("tcp")
        except (psutil.Error, OSError):
            continue
        for connection in found:
            if connection.status in _NOT_COUNTED or not connection.raddr:
                continue
            if connection.laddr.port in ports:
                peers.append((connection.raddr.ip, connection.raddr.port))
            else:
                own.add((connection.laddr.ip, connection.laddr.port))
    return any(peer not in own for peer in peers)
