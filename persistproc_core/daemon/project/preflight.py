"""What can be known to fail before anything is started, so that nothing is half started."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import anyio.to_thread

from ...errors import PersistprocError, PortTaken, ProjectInvalid
from ...project_file.model import ProjectFile
from ...project_file.problems import Problem, together
from ..failures import check_startable
from ..ports.conflicts import Conflicts
from ..words.command import Command
from .selection import dependents
from .wanted import Wanted

__all__ = ["check_ports", "check_programs"]


class _Start(NamedTuple):
    command: Command
    working_directory: str


async def check_programs(file: ProjectFile, wanted: Iterable[Wanted], starting: Collection[str]) -> None:
    """Look at all that is meant, and at what of it is to be started.

    Raises `ProjectInvalid` when a file, a directory or a program is missing. Where something else must have completed
    first nothing is looked at: that may make what is missing.
    """
    later = _made_later(file)
    certain = [each for each in wanted if each.entry.name not in later]
    errors = [each.problem for each in certain if isinstance(each.problem, ProjectInvalid)]
    problems: list[Problem] = []
    starts = [each for each in certain if each.entry.name in starting and each.problem not in errors]
    for each in starts:
        error = await _problem(each)
        if error is not None:
            line = each.entry.lines.get("command", each.entry.line)
            problems.append(Problem(f"{each.entry.name}: {error.message}", line, error.hint))
    if errors or problems:
        raise together(file.path, errors, problems)


async def check_ports(
    file: ProjectFile,
    wanted: Iterable[Wanted],
    starting: Collection[str],
    conflicts: Conflicts,
    removed: Collection[str] = (),
) -> None:
    """Raises `PortTaken` when somebody else has a port of what is to be started.

    ``removed``: what was started from the file and is no longer in it, and is left alone.
    """
    starts = {each.entry.name: each for each in wanted if each.entry.name in starting}
    for each in starts.values():
        await _check_ports(file, each, starts, conflicts, removed)


def _made_later(file: ProjectFile) -> set[str]:
    """What needs, directly or by way of others, that something has completed."""
    found = {entry.name for entry in file.processes.values() if "completed" in entry.needs.values()}
    pending = list(found)
    while pending:
        more = set(dependents(file.processes.values(), pending.pop())) - found
        found |= more
        pending += more
    return found


async def _problem(wanted: Wanted) -> PersistprocError | None:
    if wanted.asked is None:
        return wanted.problem
    start = _Start(wanted.asked.command, wanted.asked.directory)
    try:
        await anyio.to_thread.run_sync(check_startable, start, wanted.asked.environment)
    except PersistprocError as error:
        return error
    return None


async def _check_ports(
    file: ProjectFile,
    wanted: Wanted,
    starts: Mapping[str, Wanted],
    conflicts: Conflicts,
    removed: Collection[str],
) -> None:
    settings, entry = wanted.settings, wanted.entry
    try:
        await conflicts.check(file.directory, entry.name, settings.ports, dict(settings.assigned_ports))
    except PortTaken as error:
        if _is_given_up(file, error, starts):
            return
        holder = _holder_in(file, error)
        left_the_file = f"{holder} is no longer in the file: persistproc up --remove ends it"
        # Who wrote a file has no options to give.
        hint = error.hint.replace("--port auto", 'port = "auto" in the file')
        line = _port_line(wanted, error.data.get("port"))
        place = file.path if line is None else f"{file.path}, line {line}"
        raise PortTaken(
            f"{place}: {entry.name}: {error.message}",
            hint=left_the_file if holder in removed else hint,
            data={**error.data, "process": entry.name, "file": file.path, "line": line},
        ) from None


def _port_line(wanted: Wanted, port: object) -> int | None:
    entry = wanted.entry
    names = [name for name, assigned in wanted.settings.assigned_ports if assigned == port]
    return next((entry.lines.get(f"ports.{name}") for name in names), None) or entry.line


def _is_given_up(file: ProjectFile, error: PortTaken, starts: Mapping[str, Wanted]) -> bool:
    """Whether who has the port is about to be restarted with another one."""
    other = starts.get(_holder_in(file, error) or "")
    return other is not None and error.data.get("port") not in dict(other.settings.assigned_ports).values()


def _holder_in(file: ProjectFile, error: PortTaken) -> str | None:
    """Which process of the same project has it."""
    holder = error.data.get("holder")
    if not isinstance(holder, dict) or holder["project_directory"] != file.directory:
        return None
    return str(holder["name"])
