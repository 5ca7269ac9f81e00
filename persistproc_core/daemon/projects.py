"""Which project a directory belongs to."""

from __future__ import annotations

import os

__all__ = ["project_name", "project_root"]

_MARKERS = ("persistproc.toml", ".git")


def project_root(directory: str) -> str:
    """Where the nearest ``persistproc.toml`` lies within the git work tree that holds the directory, else the root of
    that work tree, else the directory; symbolic links resolved.

    ``.git`` is a folder, or a file in a linked work tree and in a submodule (gitrepository-layout(5)): each of them is
    a project of its own. A directory that no longer exists belongs to where it was.
    """
    start = os.path.realpath(directory)
    candidate = start
    while True:
        if any(os.path.lexists(os.path.join(candidate, marker)) for marker in _MARKERS):
            return candidate
        parent = os.path.dirname(candidate)
        if parent == candidate:
            return start
        candidate = parent


def project_name(root: str) -> str:
    """The short name of a project: the last part of its directory; ``/`` for the root directory."""
    return os.path.basename(root.rstrip("/")) or "/"
