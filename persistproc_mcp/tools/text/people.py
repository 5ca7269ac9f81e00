"""Who did something, as another one reads it."""

from __future__ import annotations

from persistproc_core.protocol import ClientInfo

from ...callers import Caller
from .safe import inline

__all__ = ["because", "who"]

_COMMAND_LINE = "persistproc-cli"


def who(client: ClientInfo, caller: Caller) -> str:
    """``cursor``, ``the command line``, ``you``; ``another claude-code`` for another window of the caller's program."""
    if client["name"] == _COMMAND_LINE:
        return "the command line"
    name = inline(client["name"], 60)
    if client["name"] != caller.name or "pid" not in client or caller.pid is None:
        return name
    session = client.get("session")
    same = client["pid"] == caller.pid and (session is None or caller.session is None or session == caller.session)
    return "you" if same else f"another {name}"


def because(reason: str | None) -> str:
    """``: dependency update``, or nothing."""
    return f": {inline(reason)}" if reason else ""
