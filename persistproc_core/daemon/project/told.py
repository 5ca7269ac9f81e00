"""A file and its processes as a client is told of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...protocol import ProcessInfo, ProcessResult, ProjectProcess
from ...protocol.projects import ProcessApproval
from ..facts import Facts
from ..registry import Registry
from .deciding import Decision
from .wanted import Wanted

__all__ = ["infos_of", "is_good", "told"]


def told(
    wanted: Wanted,
    ports: Mapping[str, Mapping[str, int]],
    decision: Decision,
    process: ProcessInfo | None,
    approval: ProcessApproval,
) -> ProjectProcess:
    """One process of the file."""
    entry = wanted.entry
    return {
        "name": entry.name,
        "line": entry.line,
        "command": wanted.command,
        "working_directory": wanted.working_directory,
        "needs": dict(entry.needs),
        "tags": list(entry.definition.get("tags", [])),
        "optional": entry.optional,
        "ports": dict(ports.get(entry.name, {})),
        "action": decision.action,
        "changes": decision.changes,
        "approval": approval,
        "process": process,
    }


async def infos_of(
    project_directory: str, names: Iterable[str], registry: Registry, facts: Facts
) -> dict[str, ProcessInfo]:
    """What the processes of these names do now, by name, all at one look."""
    processes = [registry.get(project_directory, name) for name in names]
    found = await facts.measured(process for process in processes if process is not None and process.runs)
    return {info["name"]: info for info in found}


def is_good(result: ProcessResult) -> bool:
    """Whether it is as it should be."""
    left_alone = result["outcome"] == "unchanged" and result["hint"] is not None
    return not left_alone and result["outcome"] not in ("failed", "not_started") and result["ready"] is not False
