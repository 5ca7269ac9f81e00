"""What a bridge is told when it starts, and what it tells about itself."""

from __future__ import annotations

import os
from typing import NamedTuple

from typing_extensions import TypedDict

from persistproc_core import __version__
from persistproc_core.paths import Home

__all__ = ["DEFAULT_HOST", "DEFAULT_PORT", "MCP_PATH", "About", "DaemonAbout", "Settings", "about"]

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8947
MCP_PATH = "/mcp/"

_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class Settings(NamedTuple):
    """How a bridge serves."""

    home: Home
    host: str = DEFAULT_HOST
    port: int | None = DEFAULT_PORT
    """The TCP port, once it is bound; None: the Unix socket alone."""
    token: str | None = None
    """What callers of the port must know; None: on loopback the peer's user id decides."""
    port_problem: str | None = None
    """Why there is no port although one was wanted."""

    @property
    def url(self) -> str | None:
        """Where programs of this machine reach the port, without a path and a slash: ``http://127.0.0.1:8947``."""
        if self.port is None:
            return None
        host = _EVERY_ADDRESS.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


class DaemonAbout(TypedDict):
    """The daemon behind a bridge."""

    pid: int
    version: str


class About(TypedDict):
    """What ``GET /health`` answers."""

    name: str
    version: str
    pid: int
    home: str
    host: str
    port: int | None
    url: str | None
    port_problem: str | None
    daemon: DaemonAbout | None
    token_needed: bool


def about(settings: Settings, daemon: DaemonAbout | None) -> About:
    """This bridge, and the daemon that it has found; None when it runs not."""
    return {
        "name": "persistproc",
        "version": __version__,
        "pid": os.getpid(),
        "home": settings.home.path,
        "host": settings.host,
        "port": settings.port,
        "url": settings.url,
        "port_problem": settings.port_problem,
        "daemon": daemon,
        "token_needed": settings.token is not None,
    }
