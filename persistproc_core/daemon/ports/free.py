"""Whether a TCP port is free: found out by binding to it. All of it blocks for some microseconds."""

from __future__ import annotations

import errno
import socket

__all__ = ["is_free", "is_held", "span"]

_LOCAL = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_ANY = ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"))

# From here on no port is on the list of those that browsers refuse (Fetch, "bad port"; the last one is 10080).
_LOWEST = 20000
_LEAST = 1000
"""Ports that there must be to choose from."""
_EPHEMERAL = range(32768, 61000)
"""Where the kernel does not say: Linux's own, which begin lower than those of macOS (49152; RFC 6335, section 6)."""


def is_free(port: int) -> bool:
    """Whether a server could listen there on any address; no ordinary user's can below 1024 (ip(7))."""
    refused = (errno.EADDRINUSE, errno.EACCES)
    return not any(_refusal(family, address, port) in refused for family, address in (*_LOCAL, *_ANY))


def is_held(port: int) -> bool:
    """Whether somebody has it on the loopback addresses, where a browser on this machine would look.

    Who listens on another address alone (a bridge's, a tunnel's) does not stand in the way.
    """
    # Anything else says nothing of others: no IPv6 here, a port that only root may have.
    return any(_refusal(family, address, port) == errno.EADDRINUSE for family, address in _LOCAL)


def _refusal(family: socket.AddressFamily, address: str, port: int) -> int | None:
    """The error number of a bind; None: it can be had."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            # As servers do: connections that are closed already (TIME_WAIT) do not count, listeners do (socket(7)).
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address, port))
    except OSError as error:
        return error.errno
    return None


def span(path: str = "/proc/sys/net/ipv4/ip_local_port_range") -> range:
    """The ports to choose from: none that the kernel gives to outgoing connections (ip(7), ip_local_port_range)."""
    taken = _EPHEMERAL
    try:
        with open(path, encoding="ascii") as file:
            low, high = map(int, file.read().split())
        taken = range(low, high + 1)
    except (OSError, ValueError):
        pass
    below, above = range(_LOWEST, taken.start), range(max(taken.stop, _LOWEST), 65536)
    for candidates in (below, above):
        if len(candidates) >= _LEAST:
            return candidates
    return range(_LOWEST, _EPHEMERAL.start)  # all of them are ephemeral: then these are as good as any
