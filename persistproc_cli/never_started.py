"""A process that stands in the project's file and was never started: no process of that name, but not unknown."""

from __future__ import annotations

import os

from persistproc_core.errors import PersistprocError, ProcessNotFound

from .oneline import one_line
from .render import short_directory

__all__ = ["with_hint"]

_MARKERS = (".git", "persistproc.toml")


def with_hint(error: PersistprocError, directory: str | None) -> PersistprocError:
    """The error of a lookup that failed, with what starts the process where the file of the caller's project has it.

    Reads that file; asks nobody.
    """
    name = error.data.get("process")
    if isinstance(error, ProcessNotFound) and isinstance(name, str) and directory is not None:
        file = _file_with(name, directory)
        if file is not None:
            where = one_line(short_directory(file))
            error.hint = f"{one_line(name)} is in {where} and was never started: persistproc up {one_line(name)}"
    return error


def _file_with(name: str, directory: str) -> str | None:
    from persistproc_core.project_file.find import find_file
    from persistproc_core.project_file.load import load

    try:
        found = find_file(_root(os.path.realpath(directory)))
        file = None if found is None else load(found)
    except (PersistprocError, OSError):
        return None
    return file.path if file is not None and name in file.processes else None


def _root(directory: str) -> str:
    """The directory of the project (the daemon looks for it in the same way)."""
    candidate = directory
    while not any(os.path.lexists(os.path.join(candidate, marker)) for marker in _MARKERS):
        parent = os.path.dirname(candidate)
        if parent == candidate:
            return directory
        candidate = parent
    return candidate
