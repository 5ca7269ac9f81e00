"""A run that the keeper holds but whose record is gone or unreadable, told again from the kernel."""

from __future__ import annotations

import os

from .clock import rfc3339
from .keeper import KeptRun
from .kernel.identity import boot_id
from .model import Run, Settings
from .words.command import Command, parse_command
from .words.names import made_valid

__all__ = ["CAPTURED_NOTE", "rebuild"]

CAPTURED_NOTE = "captured"
"""The file in a run's folder that says that persistproc did not start it."""


def rebuild(kept: KeptRun, directory: str) -> tuple[str, Run] | None:
    """The name and the run, as far as the kernel knows them; None when the leader is gone as well. Blocks."""
    import psutil

    try:
        leader = psutil.Process(kept.pid or _noted_pid(directory))
        argv = leader.cmdline()
        command = parse_command(argv) if argv else Command((leader.name(),), False, leader.name())
        working_directory = leader.cwd()
        started = rfc3339(int(leader.create_time() * 1e9))
    except (psutil.Error, ValueError):
        return None
    name, _, number = kept.run_id.rpartition(".")[0].rpartition(".")
    run = Run(
        run_id=kept.run_id,
        number=int(number) if number.isdigit() else 1,
        directory=directory,
        command=command,
        working_directory=os.path.realpath(working_directory),
        settings=Settings(tty=_has_terminal(directory)),
        started_at=started,
        started_by={"name": "unknown"},
        boot_id=boot_id(),
        reason="its record was lost; this is what the system knows of it",
        captured=os.path.exists(os.path.join(directory, CAPTURED_NOTE)),
    )
    run.launched.set()
    return made_valid(name or command.argv[0]), run


def _has_terminal(directory: str) -> bool:
    """Whether the run has a terminal: then the keeper made no FIFO for standard error."""
    made = {name for name in ("stdin", "stderr") if os.path.exists(os.path.join(directory, name))}
    return made == {"stdin"}


def _noted_pid(directory: str) -> int:
    """The pid in the keeper's note, for a run whose parent was another keeper; -1 when there is none."""
    try:
        with open(os.path.join(directory, "spawned"), "rb") as file:
            return int(file.read(64).split()[0])
    except (OSError, ValueError, IndexError):
        return -1
