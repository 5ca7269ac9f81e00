"""Who did what to a process, and why, in words."""

from __future__ import annotations

from .context import CLIENT_NAME
from .oneline import short_directory
from .times import ago, seconds_since

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import ClientInfo, ProcessInfo

__all__ = ["because_of", "deeds", "who"]

_RECENT_SECONDS = 600.0


def who(client: ClientInfo) -> str:
    """``the command line in ~/shop``, ``cursor (pid 17)``."""
    if client["name"] == CLIENT_NAME:
        # Its pid was that of a call that is over; where somebody sat tells who it was.
        directory = client.get("directory")
        return f"the command line in {short_directory(directory)}" if directory else "the command line"
    return f"{client['name']} (pid {client['pid']})" if "pid" in client else client["name"]


def because_of(reason: str | None) -> str:
    """``: dependency update``, or nothing."""
    return f": {reason}" if reason else ""


def deeds(info: ProcessInfo) -> list[str]:
    """What others should know: ``restarted by cursor 3 min ago: dependency update``, ``protected by ana``.

    What was done is told for ten minutes, and nothing that came from the command line: who asks has mostly done it.
    """
    # A daemon that an update has not replaced yet does not tell all of this.
    told: list[str] = []
    at, by = info["ended_at"], info.get("stopped_by")
    if at is None:
        begun = "started" if info.get("replaced_run") is None else "restarted"
        begun = "adopted" if info.get("adopted") else begun
        told += _deed(begun, info["started_by"], info["started_at"], info.get("start_reason"))
    elif by is not None:
        told += _deed("stopped", by, at, info.get("stop_reason"))
    owner = info.get("protected_by")
    if owner is not None:
        told.append(f"protected by {_name(owner)}")
    return told


def _deed(verb: str, by: ClientInfo, at: str, reason: str | None) -> list[str]:
    seconds = seconds_since(at)
    if seconds > _RECENT_SECONDS or by["name"] == CLIENT_NAME:
        return []
    return [f"{verb} by {_name(by)} {ago(seconds)}{because_of(reason)}"]


def _name(client: ClientInfo) -> str:
    return "the command line" if client["name"] == CLIENT_NAME else client["name"]
