"""Which file says what belongs to a project."""

from __future__ import annotations

import os
from typing import NamedTuple

from ..errors import ProjectInvalid
from ..protocol.projects import ProjectFormat
from .read_text import read_text
from .toml_text import NotToml, parse_toml

__all__ = ["FoundFile", "find_file"]


class FoundFile(NamedTuple):
    """A project's file."""

    path: str
    """Absolute."""
    format: ProjectFormat
    directory: str
    """The project's, in which it lies."""


def find_file(project_directory: str) -> FoundFile | None:
    """``persistproc.toml``, else a ``pyproject.toml`` with a table ``tool.persistproc``, else a ``Procfile``."""
    directory = os.path.abspath(project_directory)
    names: tuple[ProjectFormat, ...] = ("persistproc.toml", "pyproject.toml", "Procfile")
    for name in names:
        path = os.path.join(directory, name)
        if os.path.isfile(path) and (name != "pyproject.toml" or _is_ours(path)):
            return FoundFile(path, name, directory)
    return None


def _is_ours(path: str) -> bool:
    try:
        text = read_text(path)
    except ProjectInvalid:
        return False
    if "persistproc" not in text:
        return False
    try:
        tools = parse_toml(text).get("tool")
    except NotToml:
        # It was meant to be: who edits it should hear what is wrong, not that there is no file.
        return "[tool.persistproc" in text
    return isinstance(tools, dict) and "persistproc" in tools
