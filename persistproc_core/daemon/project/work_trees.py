"""The other work trees of a repository, as its own files tell (gitrepository-layout(5)); git itself is not run.

Each of two links is believed only when the other one leads back: a folder that somebody unpacked may say that it
belongs to any repository there is.
"""

from __future__ import annotations

import os

from ...project_file.root import nearest_with

__all__ = ["siblings"]

_LONGEST = 4096


def siblings(project_directory: str) -> list[str]:
    """Where the same project would lie in the other work trees of its repository. Blocks on the file system."""
    directory = os.path.realpath(project_directory)
    root = nearest_with(directory, ".git")
    common = _repository(root) if root is not None else None
    if root is None or common is None:
        return []
    within = os.path.relpath(directory, root)
    return [os.path.normpath(os.path.join(tree, within)) for tree in _trees(common) if tree != root]


def _repository(tree: str) -> str | None:
    """The repository of a work tree; None where they do not agree that it is one of its trees."""
    link = os.path.join(tree, ".git")
    if os.path.isdir(link):
        return None if os.path.islink(link) else link
    folder = _read(link).removeprefix("gitdir:").strip()
    if not folder:
        return None
    folder = os.path.realpath(os.path.join(tree, folder))
    back = _path_in(folder, "gitdir")
    common = _path_in(folder, "commondir")
    return common if back == link and common is not None else None


def _trees(common: str) -> list[str]:
    """All work trees that the repository knows and that know it, the main one first."""
    found = [os.path.dirname(common)] if os.path.basename(common) == ".git" else []
    try:
        names = sorted(os.listdir(os.path.join(common, "worktrees")))
    except OSError:
        names = []
    links = [_path_in(os.path.join(common, "worktrees", name), "gitdir") for name in names]
    found += [os.path.dirname(link) for link in links if link is not None]
    return [tree for tree in found if _repository(tree) == common]


def _path_in(folder: str, name: str) -> str | None:
    text = _read(os.path.join(folder, name)).strip()
    return os.path.realpath(os.path.join(folder, text)) if text else None


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(_LONGEST)
    except (OSError, ValueError):
        return ""
