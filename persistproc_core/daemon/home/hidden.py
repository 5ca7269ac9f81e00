"""A keeper that lives while somebody deleted its files: it still has its lock's file open.

The kernel tells the name that a file had when it was deleted (proc_pid_fd(5)), so whoever holds ``keeper/lock`` of this
home is known by it; its twin has the same command line, and not that file. Elsewhere than on Linux nobody is found so.
"""

from __future__ import annotations

import os

__all__ = ["holders_of"]

_DELETED = " (deleted)"


def holders_of(path: str) -> list[int]:
    """Our own user's processes that were told this path and have the file open, deleted or not.

    Blocks for some milliseconds.
    """
    real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    return [
        int(name)
        for name in _folders_of_processes()
        if name.isdigit() and _was_told(name, path) and _has_open(name, real)
    ]


def _folders_of_processes() -> list[str]:
    try:
        return os.listdir("/proc")
    except OSError:
        return []


def _was_told(pid: str, path: str) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb", buffering=0) as file:
            return os.fsencode(path) in file.read().split(b"\0")
    except OSError:
        return False


def _has_open(pid: str, path: str) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        # Another user's cannot be read; root would read everybody's.
        if os.stat(folder).st_uid != os.getuid():
            return False
        return any(_names(f"{folder}/{number}", path) for number in os.listdir(folder))
    except OSError:
        return False


def _names(link: str, path: str) -> bool:
    try:
        return os.readlink(link) in (path, path + _DELETED)
    except OSError:
        return False
