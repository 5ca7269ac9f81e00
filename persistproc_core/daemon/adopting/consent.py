"""What was started outside of persistproc is somebody's own: who ends it must have been asked, or say why."""

from __future__ import annotations

from ...errors import ProcessProtected
from ..model import Process, Run
from ..protection import Demand
from ..registry import full_name

__all__ = ["check_asked"]


async def check_asked(process: Process, run: Run | None, demand: Demand, *, ends: bool = False) -> None:
    """Raises `ProcessProtected` unless nothing of an adopted run would be touched, or force and a reason are given.

    ``ends``: it is done with the options of a stop.
    """
    if run is None or not run.adopted or demand.is_forced:
        return
    await run.settled()  # who waited for its end need not see that
    if not run.present:
        return
    hint = "give force and a reason" if not demand.force else "force needs a reason here: give one"
    hint += "; with grace_seconds it still ends softly" if ends else ""
    raise ProcessProtected(
        f"{full_name(process)} (pid {run.pid}) was not started by persistproc, but adopted; nothing was done",
        hint=f"end it where it was started, or {hint}",
        data={"adopted": True, "pid": run.pid, "command": run.command.text},
    )
