"""Projects and ports: what their methods take and answer.

A project's file (``persistproc.toml``, ``[tool.persistproc]`` in ``pyproject.toml``, or a ``Procfile``) says which
processes belong to it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import Required, TypedDict

from .definitions import DependencyCondition
from .parameters import CallerParams, StopOptions
from .shared import Allowed, ClientInfo, ProcessInfo

__all__ = [
    "AdoptProcessParams",
    "GetPortParams",
    "GetProjectParams",
    "Holder",
    "PortReply",
    "ProcessResult",
    "ProjectProcess",
    "ProjectReply",
    "StartProjectParams",
    "StartProjectReply",
    "StopProjectParams",
    "StopProjectReply",
]

ProjectFormat = Literal["persistproc.toml", "pyproject.toml", "Procfile"]
ProjectAction = Literal["none", "start", "restart"]
ProcessApproval = Literal["approved", "changed", "new"]


class GetProjectParams(CallerParams, total=False):
    """The project of working_directory."""

    names: Annotated[list[str], "Only these: names or tags.", Allowed(1, 100)]


class StartProjectParams(GetProjectParams, total=False):
    """Bring a project's processes up: start what does not run, restart what has changed in the file, leave the rest.

    In the order of their dependencies, as soon as those are as far as they are needed; in parallel otherwise. What
    names are given for is started with all that it needs. Without names: all but the optional ones.
    """

    environment: Annotated[dict[str, str], "Variables to set, below those of the file. Values are kept in memory only."]
    inherit_environment: Annotated[
        bool, "True (the default): on top of the daemon's environment. False: environment is the whole one."
    ]
    approve: Annotated[
        str, "The digest, from get_project, of what a person has seen and allows to run.", Allowed(1, 200)
    ]
    wait: Annotated[bool, "Answer when all are ready or it is known why not (the default), else when all are begun."]
    timeout_seconds: Annotated[float, "wait: give up after so long; 120 unless said otherwise.", Allowed(0, 86400)]
    restart: Annotated[bool, "Restart also what runs unchanged."]
    remove: Annotated[bool, "Stop and forget what was started from the file and is no longer in it."]
    reason: Annotated[str, "Why, in words; shown to everybody.", Allowed(0, 500)]
    force: Annotated[bool, "Also what somebody else protected; that needs a reason."]


class StopProjectParams(GetProjectParams, StopOptions, total=False):
    """Stop a project's processes, each after those that need it.

    Without names: all that was started from its file, also what is no longer in it, and nothing else.
    """

    all: Annotated[bool, "Without names: every live process of the project, also what is not from the file."]
    reason: Annotated[str, "Why, in words; shown to everybody.", Allowed(0, 500)]
    force: Annotated[bool, "Also what somebody else protected; that needs a reason."]


class ProjectProcess(TypedDict):
    """A process of the file, and the process of that name."""

    name: str
    line: Annotated[int | None, "Where it stands in the file."]
    command: Annotated[str, "As it would be run, in one line, with its ports."]
    working_directory: Annotated[str, "Absolute path."]
    needs: Annotated[dict[str, DependencyCondition], "What must be how far before it is started."]
    tags: list[str]
    optional: Annotated[bool, "True when it is started only by its name, a tag, or because something needs it."]
    ports: Annotated[dict[str, int], "Its ports by their names."]
    action: Annotated[ProjectAction, "What start_project would do with it."]
    changes: Annotated[list[str], "restart: what differs from what runs, in words."]
    approval: Annotated[
        ProcessApproval,
        "approved: a person has allowed exactly this to run; else how it differs from the state of the file that was "
        "allowed last.",
    ]
    process: Annotated[ProcessInfo | None, "The process of that name; null: it was never started."]


class ProjectReply(TypedDict):
    """A project and its file."""

    project: str
    project_directory: str
    file: Annotated[str, "Absolute path."]
    format: ProjectFormat
    digest: Annotated[str, "Names what the file says to run; another one when that changes."]
    approved: Annotated[bool, "True when a person has allowed exactly this to run."]
    approved_before: Annotated[bool, "True when another state of the file was allowed."]
    processes: Annotated[list[ProjectProcess], "In the order of the file."]
    removed: Annotated[list[str], "Names of what was started from the file and is no longer in it."]


class ProcessResult(TypedDict):
    """What became of one process."""

    name: str
    outcome: Annotated[
        Literal["started", "restarted", "unchanged", "failed", "not_started", "stopped", "already_stopped", "removed"],
        "What was done. failed: it could not be started, ended or did not become ready; not_started: what it needs "
        "did not come, or the time was up; unchanged with a hint: it is not as the file says, but was left as it was.",
    ]
    ready: Annotated[bool | None, "Whether it is ready; null: nothing tells."]
    reason: Annotated[
        str | None, "Why it was restarted, failed, was not started or was left as it was; else what it is ready by."
    ]
    hint: Annotated[str | None, "What can be done."]
    waited_for: Annotated[list[str], "What it needs that had not come (not_started)."]
    elapsed_seconds: Annotated[float, "How long it took, from its own beginning."]
    last_lines: Annotated[list[str], "failed: the end of its output, or the error in it."]
    process: Annotated[ProcessInfo | None, "As it is now."]


class StartProjectReply(TypedDict):
    """What became of each process."""

    project: str
    project_directory: str
    file: str
    ready: Annotated[bool, "True when none failed, all are ready (without wait: begun) and as the file says."]
    results: Annotated[list[ProcessResult], "In the order of the file; then what was removed."]
    removed: Annotated[list[str], "What was started from the file, is no longer in it, and was left alone."]
    elapsed_seconds: float


class StopProjectReply(TypedDict):
    """What became of each process."""

    project: str
    project_directory: str
    results: Annotated[list[ProcessResult], "In the order in which they were stopped."]


# --- ports --------------------------------------------------------------------------------------------------------


class GetPortParams(CallerParams, total=False):
    """Who listens on a TCP port of this machine, and whose it is."""

    port: Required[Annotated[int, "TCP port.", Allowed(1, 65535)]]


class Holder(TypedDict):
    """Who listens on a port."""

    kind: Annotated[Literal["process", "stranger", "unknown"], "unknown: of another user, or out of our sight."]
    name: Annotated[str | None, "process: its name."]
    project: Annotated[str | None, "process: its project."]
    project_directory: Annotated[str | None, "process: its project."]
    pid: Annotated[int | None, "Who listens."]
    command: Annotated[str | None, "Its command line."]
    working_directory: Annotated[str | None, "Where it runs."]
    started_by: Annotated[ClientInfo | None, "process: who asked for it."]
    started_at: Annotated[str | None, "When it began: RFC 3339."]


class PortReply(TypedDict):
    """A TCP port."""

    port: int
    holder: Annotated[Holder | None, "Who listens; null: nobody."]
    leased_to: Annotated[str | None, "project/process for which it is kept."]


class AdoptProcessParams(CallerParams, total=False):
    """Take a server that was started outside of persistproc into the list: exactly one of port and pid."""

    port: Annotated[int, "The process that listens on this TCP port.", Allowed(1, 65535)]
    pid: Annotated[int, "This process.", Allowed(2, 2**31)]
    name: Annotated[str, "Unique in its project; made from its command when not given.", Allowed(1, 64)]
    reason: Annotated[str, "Why, in words; shown to everybody.", Allowed(0, 500)]
