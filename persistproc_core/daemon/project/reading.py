"""The project's file, read for a request."""

from __future__ import annotations

import os

import anyio.to_thread

from ...errors import InvalidParams, ProjectNotFound
from ...project_file.find import find_file
from ...project_file.load import load
from ...project_file.model import ProjectFile
from ...project_file.root import project_root
from ...protocol import CallerParams

__all__ = ["directory_of", "read"]


async def directory_of(params: CallerParams) -> str:
    """The project's directory. Raises `InvalidParams` when nobody says where."""
    directory = params.get("working_directory")
    if not directory:
        raise InvalidParams("working_directory is needed: it tells which project is meant")
    if not os.path.isabs(directory):
        raise InvalidParams(f"working_directory must be an absolute path, not {directory!r}")
    return await anyio.to_thread.run_sync(project_root, directory)


async def read(project_directory: str) -> ProjectFile:
    """The file as it is now. Raises `ProjectNotFound` and `ProjectInvalid`."""
    return await anyio.to_thread.run_sync(_read, project_directory)


def _read(project_directory: str) -> ProjectFile:
    found = find_file(project_directory)
    if found is None:
        raise ProjectNotFound(
            f"{project_directory} has no persistproc.toml, no [tool.persistproc] in a pyproject.toml, and no Procfile",
            hint="persistproc init writes a persistproc.toml from what it finds there",
            data={"project_directory": project_directory},
        )
    return load(found)
