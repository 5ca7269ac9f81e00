"""The run that takes the place of one that was stopped, for those who follow a process over its restarts."""

from __future__ import annotations

import time

from persistproc_core.errors import PersistprocError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import OutputReply, ProcessInfo

    from .viewer import Viewer
    from .words import Ended

__all__ = ["RESTART_SECONDS", "is_restarted", "next_run"]

RESTART_SECONDS = 5.0
"""How long the next run is waited for."""
_PAUSE = 0.05


def is_restarted(ended: OutputReply | Ended) -> bool:
    """True when another run is to follow a stopped one.

    A restart stops first and starts then; between the two only the reason tells that a run will follow.
    """
    return ended["state"] == "stopped" and (ended["reason"] or "").startswith(("restarted", "replaced"))


def next_run(viewer: Viewer, process: ProcessInfo, ended: OutputReply) -> ProcessInfo | None:
    """The run that somebody started in place of the one that ended; None when there is none."""
    if ended["state"] != "stopped":
        return None
    begun = time.monotonic()
    expected = RESTART_SECONDS if is_restarted(ended) else 0.0
    while True:
        try:
            status = viewer.read(
                lambda client: client.get_process_status(
                    process=process["name"], working_directory=process["project_directory"]
                )
            )
        except PersistprocError:
            return None  # removed, or no daemon any more: how the run ended is known all the same
        waited = time.monotonic() - begun
        if status["run"] > ended["run"]:
            # Looked at while it is being started it has no pid yet, and "pid None" would be told.
            if status["pid"] is not None or status["ended_at"] is not None or waited >= RESTART_SECONDS:
                return status
        elif waited >= expected:
            return None
        viewer.pause(_PAUSE)
