"""A project's file, read for what is shown of it; the daemon reads it again for what is done."""

from __future__ import annotations

from persistproc_core.errors import PersistprocError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.project_file.model import ProjectFile

__all__ = ["file_in"]


def file_in(project_directory: str) -> ProjectFile | None:
    """The file as it is now; None where there is none, and where it is wrong or cannot be read."""
    from persistproc_core.project_file.find import find_file
    from persistproc_core.project_file.load import load

    try:
        found = find_file(project_directory)
        return None if found is None else load(found)
    except (PersistprocError, OSError):
        return None
