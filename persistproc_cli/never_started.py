"""A process that stands in the project's file and was never started: no process of that name, but not unknown."""

from __future__ import annotations

from persistproc_core.errors import PersistprocError, ProcessNotFound

from .oneline import one_line, short_directory

__all__ = ["with_hint"]


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
    from persistproc_core.project_file.root import project_root

    from .project.reading import file_in

    file = file_in(project_root(directory))
    return file.path if file is not None and name in file.processes else None
