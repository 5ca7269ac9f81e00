"""Which directory is the project's: that in which its file is looked for."""

from __future__ import annotations

import os

__all__ = ["nearest_with", "project_root"]

_MARKERS = ("persistproc.toml", ".git")


def project_root(directory: str) -> str:
    """Where the nearest ``persistproc.toml`` lies within the git work tree that holds the directory, else the root of
    that work tree, else the directory; symbolic links resolved.

    ``.git`` is a folder, or a file in a linked work tree and in a submodule (gitrepository-layout(5)): each of them is
    a project of its own. A directory that no longer exists belongs to where it was.
    """
    start = os.path.realpath(directory)
    return nearest_with(start, *_MARKERS) or start


def nearest_with(directory: str, *names: str) -> str | None:
    """The directory, or the nearest one above it, in which something of one of these names lies. Blocks."""
    while not any(os.path.lexists(os.path.join(directory, name)) for name in names):
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent
    return directory
