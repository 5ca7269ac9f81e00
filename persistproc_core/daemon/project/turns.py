"""One at a time decides about a process and acts: two who bring the same project up do not both restart it."""

from __future__ import annotations

from weakref import WeakValueDictionary

import anyio

__all__ = ["Turns"]


class Turns:
    """A lock for each process, as long as somebody wants it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str, str], anyio.Lock] = WeakValueDictionary()

    def of(self, project_directory: str, name: str) -> anyio.Lock:
        """Hold it around the look at the process and what follows from it."""
        key = (project_directory, name)
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = anyio.Lock()
        return lock
