"""Ends a child of ours with all that descends from it, also what has left its session (setsid(2))."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from .identity import Identity, identity_of, send_to
from .process_table import scan

__all__ = ["kill_with_descendants"]

_MOST_LOOKS = 10


def kill_with_descendants(head: Identity) -> None:
    """Kill the leader of a session, all in that session, and all that descend from it. Blocks: looks at all processes.

    ``head``: a child of this process. Whoever has reaped it meanwhile has seen its end; then only the rest is killed.
    """
    for member in _stopped(head):
        send_to(member, signal.SIGKILL)
    if identity_of(head.pid) == head:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(head.pid, signal.SIGKILL)


def _stopped(head: Identity) -> list[Identity]:
    """It and its descendants, all of them stopped: one that is killed first leaves its children to nobody we know."""
    family: dict[Identity, None] = {}
    for _ in range(_MOST_LOOKS):
        new = [each.identity for each in scan().family([head, *family]) if each.identity not in family]
        if not new:
            break
        for member in new:
            send_to(member, signal.SIGSTOP)
        family.update(dict.fromkeys(new))
    return list(family)
