"""After the machine was started again: what has the option is started again, unless somebody had stopped it."""

from __future__ import annotations

from collections.abc import Iterable

from ...errors import PersistprocError, ShuttingDown
from ..kernel.identity import boot_id
from ..log import Log
from ..model import Cause, Process, Run
from ..tasks import Tasks
from .starter import PERSISTPROC, Starter

__all__ = ["autostart"]


def autostart(processes: Iterable[Process], starter: Starter, tasks: Tasks, log: Log) -> None:
    """Start them, each in a task of its own. What cannot be started is tried again by the next daemon."""
    for process in processes:
        if _is_due(process):
            tasks.start(_start, process, starter, log)


def _is_due(process: Process) -> bool:
    run = process.current
    return (
        process.options.autostart
        and run is not None
        and not run.live
        and not run.captured
        and run.boot_id != boot_id()
        and run.stop is None
        and run.state != "stopped"
    )


async def _start(process: Process, starter: Starter, log: Log) -> None:
    async with process.lock:
        # Somebody may have been quicker.
        if process.removed or not _is_due(process):
            return
        run: Run = process.runs[-1]
        try:
            await starter.again(
                process, run, Cause("restarted", PERSISTPROC, "autostart: the machine was started again"), 0
            )
        except ShuttingDown:
            pass
        except (PersistprocError, OSError, ValueError) as error:
            problem = error.message if isinstance(error, PersistprocError) else str(error)
            log.warning("autostart.failed", run=run.run_id, problem=problem)
            run.reason = f"{_ended(run)}; autostart failed: {problem}"


def _ended(run: Run) -> str:
    return (run.reason or run.state).partition("; autostart failed: ")[0]
