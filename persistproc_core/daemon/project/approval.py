"""What a person has allowed to run: digests of projects' files, in ``<home>/approved.json``.

A file from a repository that somebody cloned is code. So nothing of it is started before a person has seen it, and a
changed one is a new one. A digest that was allowed once stays so: who goes back to an older branch is not asked again.
Of the state that was allowed last each process has a digest as well: who is asked again is told what has changed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from typing import NamedTuple

import anyio
import anyio.to_thread

from ...errors import StorageFailed
from .. import replaced_file
from ..clock import now
from ..home.guard import HomeGuard

__all__ = ["Allowed", "Approvals"]

_FORMAT = 1
_MOST_DIGESTS = 100


class Allowed(NamedTuple):
    """What the file holds."""

    projects: dict[str, dict[str, str]]
    """By project's directory, digest and time, oldest first."""
    processes: dict[str, dict[str, str]]
    """By project's directory, process and digest: of the state that was allowed there last."""

    def digests(self, project_directory: str) -> Collection[str]:
        """Those that were allowed there."""
        return self.projects.get(project_directory, {}).keys()


class Approvals:
    """Asks and changes the file. It is read anew each time: who deletes it has taken everything back."""

    def __init__(self, path: str, home: HomeGuard) -> None:
        self._path = path
        self._home = home
        self._lock = anyio.Lock()

    async def read(self) -> Allowed:
        """What is allowed now."""
        return await anyio.to_thread.run_sync(_load, self._path)

    async def approve(self, project_directory: str, digest: str, processes: Mapping[str, str]) -> None:
        """Allow it; on the disk when this returns. Raises `StorageFailed`: nothing has changed then.

        ``processes``: the digest of each.
        """
        async with self._lock:
            try:
                await anyio.to_thread.run_sync(self._add, project_directory, digest, dict(processes))
            except OSError as error:
                raise StorageFailed(
                    f"cannot write {self._path}: {error.strerror}", hint="see persistproc doctor"
                ) from None

    def _add(self, project_directory: str, digest: str, processes: dict[str, str]) -> None:
        self._home.check()
        known = _load(self._path)
        # Work trees come and go; what was allowed in one that is gone would stay for ever.
        projects = {path: digests for path, digests in known.projects.items() if os.path.isdir(path)}
        last = {path: digests for path, digests in known.processes.items() if path in projects}
        digests = projects.get(project_directory, {})
        digests.pop(digest, None)
        digests[digest] = now()
        projects[project_directory] = dict(list(digests.items())[-_MOST_DIGESTS:])
        last[project_directory] = processes
        value = {"format": _FORMAT, "projects": projects, "processes": last}
        content = json.dumps(value, indent=1).encode("ascii")
        try:
            replaced_file.replace(self._path, content, synced=True)
        except FileNotFoundError:
            self._home.make_again()
            replaced_file.replace(self._path, content, synced=True)


def _load(path: str) -> Allowed:
    """What is no such file allows nothing."""
    try:
        with open(path, "rb") as file:
            value = json.loads(file.read())
    except (OSError, ValueError, RecursionError):
        return Allowed({}, {})
    if not isinstance(value, dict) or value.get("format") != _FORMAT:
        return Allowed({}, {})
    return Allowed(_tables(value.get("projects")), _tables(value.get("processes")))


def _tables(value: object) -> dict[str, dict[str, str]]:
    if not isinstance(value, dict):
        return {}
    return {path: _texts(texts) for path, texts in value.items() if isinstance(texts, dict)}


def _texts(value: Mapping[str, object]) -> dict[str, str]:
    return {key: text for key, text in value.items() if isinstance(text, str)}
