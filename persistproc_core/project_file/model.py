"""What a project's file says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ..protocol import Definition, DependencyCondition
from ..protocol.projects import ProjectFormat

__all__ = ["Entry", "EnvFile", "ProjectFile"]


class EnvFile(NamedTuple):
    """A file of variables."""

    path: str
    """Absolute, unless it has ``${`` in it or begins with ``~``: then only `variables` can tell."""
    line: int | None
    """Where it is named."""
    required: bool = True
    """False: it may be missing (the .env beside a Procfile)."""


class Entry(NamedTuple):
    """One process, as it stands in the file: ports and variables are not filled in yet."""

    name: str
    line: int | None
    command: str | list[str]
    working_directory: str
    """Absolute, unless it has ``${`` in it or begins with ``~``: `variables.directory_of` tells it then."""
    env_files: tuple[EnvFile, ...]
    """Those of the whole file first."""
    environment: dict[str, str]
    """Those of the whole file are in it."""
    needs: dict[str, DependencyCondition]
    optional: bool
    definition: Definition
    file: str
    """The project's file, absolute."""
    lines: Mapping[str, int | None]
    """Where ``command``, ``working_directory`` and each ``environment.NAME`` and ``ports.NAME`` stand."""


@dataclass(frozen=True)
class ProjectFile:
    """A file that is right in itself: names, types, dependencies."""

    path: str
    format: ProjectFormat
    directory: str
    """The project's."""
    processes: dict[str, Entry]
    """In the order of the file."""
    digest: str
    """Names what it says to run, in this directory; comments and order do not count."""
