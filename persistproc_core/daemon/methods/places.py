"""Which project, and which process of it, a caller means."""

from __future__ import annotations

import anyio.to_thread

from ...errors import InvalidParams
from ...project_file.root import project_root
from ...protocol import CallerParams, TargetParams
from ..model import Process
from ..registry import Registry

__all__ = ["find", "own_project", "project_of"]


async def find(registry: Registry, params: TargetParams) -> Process:
    """The process that is meant. Raises `ProcessNotFound`, and its kin where the name fits several."""
    return registry.find(params["process"], await project_of(params))


async def own_project(params: CallerParams) -> str:
    """The project that the caller is in. Raises `InvalidParams` when it does not say."""
    project = await project_of(params)
    if project is None:
        raise InvalidParams("working_directory is needed: marks belong to a project")
    return project


async def project_of(params: CallerParams) -> str | None:
    """The project of the caller's directory; None when it does not say."""
    directory = params.get("working_directory")
    if not directory:
        return None
    return await anyio.to_thread.run_sync(project_root, directory)
