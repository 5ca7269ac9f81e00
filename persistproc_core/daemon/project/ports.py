"""The ports of all processes of a file, for the texts that refer to those of others."""

from __future__ import annotations

from collections.abc import Collection

from ...errors import InvalidParams
from ...project_file.model import Entry, ProjectFile
from ...project_file.problems import Problem, invalid
from ..ports.leases import Leases
from ..ports.wishes import checked, differ
from ..registry import Registry
from .deciding import is_running

__all__ = ["ports_of"]


async def ports_of(file: ProjectFile, registry: Registry, leases: Leases, *, moving: bool) -> dict[str, dict[str, int]]:
    """By process and name. ``moving``: a port that is kept for one of them and that a stranger has moves.

    Raises `ProjectInvalid` for ports that cannot be, `PortTaken` when none is left, and `StorageFailed`.
    """
    entries = [entry for entry in file.processes.values() if entry.definition.get("ports")]
    # Of all, also of those that are not started yet: what one prefers may be what another one must have.
    fixed = {wish["port"] for entry in entries for wish in entry.definition["ports"] if "port" in wish}
    return {entry.name: await _ports(file, entry, registry, leases, fixed, moving=moving) for entry in entries}


async def _ports(
    file: ProjectFile, entry: Entry, registry: Registry, leases: Leases, fixed: Collection[int], *, moving: bool
) -> dict[str, int]:
    try:
        wishes = checked(entry.definition.get("ports", []))
    except InvalidParams as error:
        raise invalid(file.path, Problem(f"{entry.name}: {error.message}", entry.line, error.hint)) from None
    process = registry.get(file.directory, entry.name)
    if process is not None and process.current is not None and is_running(process):
        settings = process.current.settings
        if not differ(wishes, settings.ports):
            return dict(settings.assigned_ports)
    return await leases.assign(file.directory, entry.name, wishes, moving=moving, avoid=fixed)
