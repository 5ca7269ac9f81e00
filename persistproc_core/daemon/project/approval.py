"""What a person has allowed to run: digests of projects' files, in ``<home>/approved.json``.

A file from a repository that somebody cloned is code. So nothing of it is started before a person has seen it, and a
changed one is a new one. A digest that was allowed once stays so: who goes back to an older branch is not asked again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

import anyio
import anyio.to_thread

from ...errors import StorageFailed
from .. import replaced_file
from ..clock import now
from ..home.guard import HomeGuard

__all__ = ["Approvals"]

_FORMAT = 1
_MOST_DIGESTS = 100


class Approvals:
    """Asks and changes the file. It is read anew each time: who deletes it has taken everything back."""

    def __init__(self, path: str, home: HomeGuard) -> None:
        self._path = path
        self._home = home
        self._lock = anyio.Lock()

    async def of(self, project_directory: str) -> frozenset[str]:
        """The digests that were allowed there."""
        return frozenset((await anyio.to_thread.run_sync(_load, self._path)).get(project_directory, {}))

    async def approve(self, project_directory: str, digest: str) -> None:
        """Allow it; on the disk when this returns. Raises `StorageFailed`: nothing has changed then."""
        async with self._lock:
            try:
                await anyio.to_thread.run_sync(self._add, project_directory, digest)
            except OSError as error:
                raise StorageFailed(
                    f"cannot write {self._path}: {error.strerror}", hint="see persistproc doctor"
                ) from None

    def _add(self, project_directory: str, digest: str) -> None:
        self._home.check()
        # Work trees come and go; what was allowed in one that is gone would stay for ever.
        projects = {path: digests for path, digests in _load(self._path).items() if os.path.isdir(path)}
        digests = projects.get(project_directory, {})
        digests.pop(digest, None)
        digests[digest] = now()
        projects[project_directory] = dict(list(digests.items())[-_MOST_DIGESTS:])
        content = json.dumps({"format": _FORMAT, "projects": projects}, indent=1).encode("ascii")
        try:
            replaced_file.replace(self._path, content, synced=True)
        except FileNotFoundError:
            self._home.make_again()
            replaced_file.replace(self._path, content, synced=True)


def _load(path: str) -> dict[str, dict[str, str]]:
    """By project's directory, digest and time, oldest first. What is no such file allows nothing."""
    try:
        with open(path, "rb") as file:
            value = json.loads(file.read())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(value, dict) or value.get("format") != _FORMAT or not isinstance(value.get("projects"), dict):
        return {}
    return {path: _texts(digests) for path, digests in value["projects"].items() if isinstance(digests, dict)}


def _texts(digests: Mapping[str, object]) -> dict[str, str]:
    return {digest: time for digest, time in digests.items() if isinstance(time, str)}
