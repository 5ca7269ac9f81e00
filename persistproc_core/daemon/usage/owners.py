"""Whether whoever started a run is still there."""

from __future__ import annotations

from ...protocol import ClientInfo
from ..kernel.identity import Identity, identity_of, is_alive
from ..model import Process

__all__ = ["COMMAND_LINE", "has_ended", "starter"]

COMMAND_LINE = "persistproc-cli"
"""Its process is over as soon as it has started something, which says nothing."""


def starter(process: Process) -> ClientInfo | None:
    """Who started the newest run, or the one that it continues where persistproc itself started it again."""
    for run in reversed(process.runs):
        if run.started_by["name"] != "persistproc":
            return run.started_by
    return None


def has_ended(client: ClientInfo, leader: Identity) -> bool:
    """True when the process of the client is certainly gone; False when it is there, or nobody can tell.

    It lived when it had ``leader`` started. So whoever has its pid now and is older than the leader is itself, and
    whoever is younger got the number from the kernel after its end: no number that was given again is taken for it.
    """
    pid = client.get("pid")
    if pid is None or client["name"] == COMMAND_LINE or leader.start <= 0:
        return False
    now = identity_of(pid)
    return now is None or now.start > leader.start or not is_alive(now)
