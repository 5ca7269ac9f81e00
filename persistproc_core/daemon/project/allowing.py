"""Whether a person has allowed what a file says to run, and what is told when nobody has."""

from __future__ import annotations

import os
from typing import NamedTuple

import anyio.to_thread

from ...errors import ProjectNotApproved
from ...project_file.digest import digest_of, process_digests
from ...project_file.model import Entry, ProjectFile
from ...protocol.projects import ProcessApproval
from .approval import Allowed, Approvals
from .work_trees import siblings

__all__ = ["Approval", "approval_of", "check_approved", "each_approval"]


class Approval(NamedTuple):
    """What is known of a file."""

    allowed: bool
    """Exactly this may run."""
    before: bool
    """Another state of it was allowed."""


async def approval_of(allowed: Allowed, file: ProjectFile) -> Approval:
    """Whether it was allowed here, or, saying the same, in another work tree of its repository.

    Agents make work trees all day long. A branch that is checked out in a new one is no more of a stranger than when
    it is checked out in the old one.
    """
    here = allowed.digests(file.directory)
    if file.digest in here:
        return Approval(True, len(here) > 1)
    for directory in await anyio.to_thread.run_sync(siblings, file.directory):
        there = allowed.digests(directory)
        if there and _digest_in(file, directory) in there:
            return Approval(True, bool(here))
    return Approval(False, bool(here))


def each_approval(allowed: Allowed, file: ProjectFile, approval: Approval) -> dict[str, ProcessApproval]:
    """How each process stands to the state that was allowed here last, by its name."""
    if approval.allowed:
        return dict.fromkeys(file.processes, "approved")
    last = allowed.processes.get(file.directory, {})
    found = process_digests(file.directory, file.processes)
    return {
        name: "new" if name not in last else "approved" if last[name] == digest else "changed"
        for name, digest in found.items()
    }


def _digest_in(file: ProjectFile, directory: str) -> str:
    """As if it lay in that directory."""
    return digest_of(directory, {name: _moved(entry, file, directory) for name, entry in file.processes.items()})


def _moved(entry: Entry, file: ProjectFile, directory: str) -> Entry:
    def moved(path: str) -> str:
        inside = path == file.directory or path.startswith(file.directory.rstrip(os.sep) + os.sep)
        return directory + path[len(file.directory) :] if inside else path

    return entry._replace(
        working_directory=moved(entry.working_directory),
        env_files=tuple(each._replace(path=moved(each.path)) for each in entry.env_files),
    )


async def check_approved(approvals: Approvals, file: ProjectFile, approve: str | None) -> None:
    """Let pass what is allowed. ``approve``: the digest of what a person has just seen and allows.

    Raises `ProjectNotApproved`: the file is unknown or has changed, perhaps since it was shown.
    """
    allowed = await approvals.read()
    if approve is not None and approve == file.digest:
        if file.digest not in allowed.digests(file.directory):
            processes = process_digests(file.directory, file.processes)
            await approvals.approve(file.directory, file.digest, processes)
        return
    known = await approval_of(allowed, file)
    if known.allowed and approve is None:
        return
    if approve is not None:
        what = "has changed since it was shown"
    else:
        what = "has changed since it was allowed to run" if known.before else "was not allowed to run yet"
    raise ProjectNotApproved(
        f"{file.path} {what}; nothing was started",
        hint=f"a person has to look at what it would run, and allow it: persistproc up in {file.directory}",
        data={
            "digest": file.digest,
            "file": file.path,
            "project_directory": file.directory,
            "approved_before": known.before,
            "commands": {entry.name: entry.command for entry in file.processes.values()},
        },
    )
