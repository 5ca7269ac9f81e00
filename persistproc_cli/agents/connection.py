"""How an agent shall reach persistproc: over HTTP, or by starting the relay."""

from __future__ import annotations

import os
import sys

from persistproc_core.errors import PersistprocError

from ..bridge import ask
from .program import relay_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.paths import Home

__all__ = ["MCP_PATH", "TOKEN_VARIABLE", "Connection", "NoConnection", "over_http", "over_stdio"]

MCP_PATH = "/mcp/"
DEFAULT_URL = "http://127.0.0.1:8947"
TOKEN_VARIABLE = "PERSISTPROC_TOKEN"


class NoConnection(PersistprocError):
    """There is no URL to write, or no token that it needs; nothing was changed."""

    code = "no_connection"


class Connection:
    """Either ``url`` (and ``token``, where the port asks for one), or ``command`` with its arguments."""

    __slots__ = ("command", "notes", "token", "url")

    def __init__(self, url: str = "", command: tuple[str, ...] = (), token: str = "") -> None:
        self.url = url
        self.command = command
        self.token = token
        self.notes: list[str] = []


def over_http(home: Home) -> Connection:
    """The URL of the running bridge, or the one that it will have.

    Raises `NoConnection`, and what `ask` raises for a bridge that does not answer.
    """
    told = ask(home)
    if told is None:
        return _not_yet(home)
    if not told.get("url"):
        problem = f": {told['port_problem']}" if told.get("port_problem") else ""
        raise NoConnection(f"the bridge serves no port{problem}", hint="use --stdio, which needs none")
    connection = Connection(f"{told['url']}{MCP_PATH}")
    if told.get("token_needed"):
        connection.token = _token(home)
        if not connection.token:
            raise NoConnection(
                f"{told['url']} asks for a token, and there is none in {home.token}",
                hint="use --stdio, which needs none",
            )
    elif os.path.lexists(home.token):
        connection.notes.append(f"the bridge asks for no token; the one in {home.token} is not written")
    return connection


def over_stdio(home: Home) -> Connection:
    """The command that relays standard input and output to the bridge, and starts it where it is not there."""
    return Connection(command=relay_command(home))


def _not_yet(home: Home) -> Connection:
    """For a bridge that is still to be started."""
    connection = Connection(DEFAULT_URL + MCP_PATH)
    if sys.platform != "linux":
        # There the kernel does not tell the bridge who calls: every one asks for the token, and the first makes it.
        connection.token = _token(home)
        if not connection.token:
            raise NoConnection(
                "the bridge does not run, so there is no token yet that could be written",
                hint="run: persistproc serve --detach, and then this again; or use --stdio, which needs no token",
            )
    connection.notes.append(
        f"nothing serves {connection.url} yet; run: persistproc serve --detach (with --stdio agents start it)"
    )
    if not connection.token and os.path.lexists(home.token):
        # Left by a former serve --token: nobody knows whether the next bridge will ask for it.
        connection.notes.append(
            f"the token in {home.token} is not written, for nothing asks for it now; if agents shall need it, run:"
            " persistproc serve --detach --token, and then this again"
        )
    return connection


def _token(home: Home) -> str:
    try:
        with open(home.token, encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise NoConnection(f"cannot read {home.token}: {reason}", hint="use --stdio, which needs no token") from None
