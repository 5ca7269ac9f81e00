"""The way of a dev server through two terminals: start, close, look, restart, edit, stop."""

from __future__ import annotations

import contextlib
import re
import socket
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from tests.cli.support import Cli
from tests.kit import eventually, marked

__all__ = ["Server", "take"]


@dataclass
class Server:
    """A dev server that serves on ``port`` of 127.0.0.1."""

    command: list[str]
    port: int
    ready: str
    """Regular expression of what it prints when it serves."""
    page: str
    """Path of a page that tells the version of the source: one or two."""
    edit: Callable[[], None]
    """Turns the source from version one into version two."""
    noticed: str
    """Regular expression of what it prints when it has seen the edit, or the request for ``page?edited`` after it."""


def take(cli: Cli, server: Server) -> None:
    """The whole way. The first call finds no daemon and starts one; the last one ends it, and nothing is left."""
    with cli.terminal(*server.command) as terminal:
        terminal.wait_for(server.ready, within=60)
        terminal.hang_up()

    first = _row(cli)
    name = str(first["name"])
    _serves(cli, name, server, "one")
    assert re.search(server.ready, cli("logs", name, check=0).stdout)

    cli("restart", name, check=0)
    second = _row(cli)
    assert second["run"] == 2
    assert second["pid"] != first["pid"]
    assert marked("PERSISTPROC_RUN", str(first["run_id"])) == []
    cli("wait", name, "--output", server.ready, check=0)
    _serves(cli, name, server, "one")

    _edit(server)
    cli("wait", name, "--output", server.noticed, check=0)
    assert re.search(server.noticed, cli("logs", name, check=0).stdout)

    cli("stop", name, check=0)
    assert cli.processes()[0]["state"] == "stopped"
    assert marked("PERSISTPROC_RUN", str(second["run_id"])) == []
    _bind(server.port)
    cli("shutdown", "--yes", check=0)


def _edit(server: Server) -> None:
    """Edit until it is seen: what changes before a watcher has taken its first look it never reports."""
    for attempt in range(5):
        server.edit()
        try:
            eventually(lambda: b"two" in _get(server, "?edited"), 6, "the page after the edit")
        except TimeoutError:
            if attempt == 4:
                raise
        else:
            return


def _row(cli: Cli) -> dict[str, object]:
    (row,) = cli.processes()
    assert row["state"] == "running", row
    return row


def _serves(cli: Cli, name: str, server: Server, version: str) -> None:
    cli("wait", name, "--port", str(server.port), check=0)
    assert version.encode() in _get(server)
    listeners = cast("list[dict[str, object]]", _row(cli)["ports"])
    assert server.port in [listener["port"] for listener in listeners], listeners


def _get(server: Server, query: str = "") -> bytes:
    # While it reloads nobody may listen: then there is no page yet.
    url = f"http://127.0.0.1:{server.port}{server.page}{query}"
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=10) as reply:
        return cast("bytes", reply.read())
    return b""


def _bind(port: int) -> None:
    """Raises `OSError` when somebody listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
