"""The names under which the bridge may be addressed, and the origins of its own pages: lists, matched exactly."""

from __future__ import annotations

import ipaddress
import socket

from ..settings import Settings

__all__ = ["Addresses"]

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# What containers call the machine that they run on.
_FROM_CONTAINERS = ("host.docker.internal", "host.containers.internal")
_HTTP_PORT = 80


class Addresses:
    """Which Host and which Origin is ours.

    A page whose name was made to point to 127.0.0.1 (DNS rebinding) sends its own name as Host; a page of another
    local server, on another port, its own port as Origin. So neither prefixes nor patterns: the very port, and the
    very name.
    """

    def __init__(self, settings: Settings) -> None:
        port = settings.port
        names = [] if port is None else _names(settings.host)
        self._any_literal = port is not None and not _is_loopback(settings.host)
        self._suffix = f":{port}"
        self.hosts = frozenset(f"{name}{suffix}" for name in names for suffix in _suffixes(port))
        self.example = "localhost" if port is None else f"127.0.0.1:{port}"
        """One that is right, to be told. Not all of them: strangers on the network need not know our names."""
        self.origins = frozenset(f"http://{host}" for host in self.hosts)

    def is_host(self, value: str, *, unix: bool) -> bool:
        """Whether a Host header names us (RFC 9110, section 7.2). Over the Unix socket also without a port."""
        host = value.lower()
        if host in self.hosts or (unix and host in _LOOPBACK):
            return True
        # Bound to more than loopback, we have addresses that we do not know of. No name can be rebound to one: the
        # browser would send the name.
        return self._any_literal and host.endswith(self._suffix) and _is_literal(host.removesuffix(self._suffix))

    def is_origin(self, value: str) -> bool:
        """Whether an Origin header (RFC 6454, section 7) is that of a page of ours."""
        return value in self.origins


def _names(host: str) -> list[str]:
    literal = f"[{host}]" if ":" in host else host
    names = [*_LOOPBACK, literal.lower()]
    if not _is_loopback(host):
        names += [socket.gethostname().lower(), *_FROM_CONTAINERS]
    return names


def _suffixes(port: int | None) -> list[str]:
    # Clients leave out the port that the scheme implies.
    return [f":{port}", ""] if port == _HTTP_PORT else [f":{port}"]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_literal(name: str) -> bool:
    try:
        return bool(ipaddress.ip_address(name[1:-1] if name.startswith("[") else name))
    except ValueError:
        return False
