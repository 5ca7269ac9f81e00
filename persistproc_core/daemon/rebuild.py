"""A run that lives but whose record is gone or unreadable, told again from the kernel and from its run id."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .clock import rfc3339
from .kernel.identity import Identity, boot_id, is_alive
from .kernel.process_table import MARKER, environment_of
from .model import Run
from .settings import Settings
from .words.command import Command, parse_command
from .words.names import made_valid

if TYPE_CHECKING:
    import psutil

__all__ = ["ADOPTED_NOTE", "CAPTURED_NOTE", "noted", "rebuild"]

CAPTURED_NOTE = "captured"
"""The file in a run's folder that says that persistproc did not start it."""

ADOPTED_NOTE = "adopted"
"""The same of one that was taken into the list."""

_REASON = "its record was lost; this is what the system knows of it"


def rebuild(
    run_id: str, directory: str, leader: Identity | None, others: tuple[int, ...] = ()
) -> tuple[str, Run] | None:
    """The name and the run, as far as the kernel knows them; None when nothing of it is there. Blocks.

    ``others``: processes of the run, the oldest first. Where the leader has ended they tell what it may have been, and
    the run has no identity.
    """
    alive = leader is not None and is_alive(leader)
    found = _look(leader.pid) if leader is not None and alive else None
    for pid in others:
        found = found or _look(pid)
    if found is None:
        return None
    command, working_directory, started_at = found
    name, _, number = run_id.rpartition(".")[0].rpartition(".")
    run = Run(
        run_id=run_id,
        number=int(number) if number.isdigit() and int(number) else 1,
        directory=directory,
        command=command,
        working_directory=working_directory,
        settings=Settings(tty=_has_terminal(directory, (*others, leader.pid) if leader and alive else others)),
        started_at=started_at,
        started_by={"name": "unknown"},
        boot_id=boot_id(),
        identity=leader if alive else None,
        reason=_REASON,
        captured=os.path.exists(os.path.join(directory, CAPTURED_NOTE)),
        adopted=os.path.exists(os.path.join(directory, ADOPTED_NOTE)),
        added_variables=(MARKER,),
    )
    run.launched.set()
    return made_valid(name or command.argv[0]), run


def noted(directory: str) -> Identity | None:
    """The leader as the keeper wrote it down before the command ran; None without such a note."""
    try:
        with open(os.path.join(directory, "spawned"), "rb") as file:
            pid, start = file.read(64).split()
            return Identity(boot_id(), int(pid), int(start))
    except (OSError, ValueError):
        return None


def _look(pid: int) -> tuple[Command, str, str] | None:
    """Command, working directory and start of a process."""
    import psutil

    try:
        process = psutil.Process(pid)
        argv = process.cmdline()
        command = parse_command(argv) if argv and argv[0] else Command((process.name(),), False, process.name())
        return command, _working_directory(process), rfc3339(int(process.create_time() * 1e9))
    except (psutil.Error, ValueError):
        return None


def _working_directory(process: psutil.Process) -> str:
    # What it was told at its start, if it was told: it may have gone elsewhere since (chdir), and where it is may have
    # been deleted.
    told = (environment_of(process.pid) or {}).get("PWD", "")
    return os.path.realpath(told if os.path.isabs(told) and os.path.isdir(told) else _where_it_is(process))


def _where_it_is(process: psutil.Process) -> str:
    import psutil

    try:
        return process.cwd()
    except psutil.AccessDenied:
        return "/"  # it has become another user's (sudo): without this it would be given up, and nobody read its output


def _has_terminal(directory: str, pids: tuple[int, ...]) -> bool:
    """Whether the run has a terminal: then the keeper made no FIFO for standard error."""
    made = {name for name in ("stdin", "stderr") if os.path.exists(os.path.join(directory, name))}
    if made:
        return made == {"stdin"}
    return any(_is_terminal(f"/proc/{pid}/fd/0") for pid in pids)


def _is_terminal(link: str) -> bool:
    try:
        return os.readlink(link).startswith("/dev/pts/")
    except OSError:
        return False
