"""The run that comes after one that has ended, for those who follow a process over its restarts.

Somebody restarted it, or its restart policy is to start it again.
"""

from __future__ import annotations

import time

from persistproc_core.errors import PersistprocError

from .restarts import outlook, seconds_left
from .words import address, ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from persistproc_core.protocol import OutputReply, ProcessInfo, StatusReply

    from .viewer import Viewer
    from .words import Ended

__all__ = ["RESTART_SECONDS", "is_restarted", "next_run"]

RESTART_SECONDS = 5.0
"""How long the next run is waited for."""
_PAUSE = 0.05
_LONGEST_PAUSE = 0.5
"""While a restart is planned: somebody may stop the process, and whoever looks should be told."""


def is_restarted(ended: OutputReply | Ended) -> bool:
    """True when another run is to follow a stopped one.

    A restart stops first and starts then; between the two only the reason tells that a run will follow.
    """
    return ended["state"] == "stopped" and (ended["reason"] or "").startswith(("restarted", "replaced"))


def next_run(
    viewer: Viewer, process: ProcessInfo, ended: OutputReply, tell: Callable[[str], None] = lambda text: None
) -> ProcessInfo | None:
    """The run that was started in place of the one that ended; None when there is none.

    ``tell(text)`` says what is planned, and when that comes to nothing.
    """
    begun = time.monotonic()
    expected = RESTART_SECONDS if is_restarted(ended) else 0.0
    planned = False
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
            if not (planned or ended["state"] == "stopped" or status.get("restarts")):
                return None  # it ended by itself, and somebody began anew
            # Looked at while it is being started it has no pid yet, and "pid None" would be told.
            if status["pid"] is not None or status["ended_at"] is not None or waited >= RESTART_SECONDS:
                return _next(status, ended)
        elif status["state"] == "restarting":
            if not planned:
                tell(f"{address(status)} {ending(ended)}; {outlook(status)}")
            planned = True
            viewer.pause(min(max(seconds_left(status), _PAUSE), _LONGEST_PAUSE))
            continue
        elif waited >= expected or planned:
            if planned and outlook(status):
                tell(f"{address(status)} is {outlook(status)}")
            return None
        viewer.pause(_PAUSE)


def _next(status: StatusReply, ended: OutputReply) -> ProcessInfo:
    """The first run after the one that ended: of a quick row none is passed over."""
    later = [run for run in status.get("history", []) if run["run"] > ended["run"]]
    if not later or later[-1]["run"] == status["run"]:
        return status
    earlier: ProcessInfo = {**status, **later[-1]}  # type: ignore[typeddict-unknown-key]
    return earlier
