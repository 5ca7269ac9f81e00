"""The folders of a project in which something may be run, and their files."""

from __future__ import annotations

import os
from collections.abc import Iterator

__all__ = ["folders", "inside", "read_text"]

# Nobody develops in these; some hold whole projects that are not meant to be run.
_LEFT_OUT = frozenset(
    "__pycache__ build coverage cypress dist docs e2e env example examples fixtures node_modules out site "
    "site-packages target templates test testdata tests third_party tmp vendor venv".split()
)
_DEPTH = 2
_MOST_BYTES = 1_000_000


def folders(directory: str) -> Iterator[str]:
    """The directory and those in it, two deep, by name, each from the directory: ``.``, ``apps``, ``apps/web``."""
    todo = ["."]
    while todo:
        at = todo.pop(0)
        yield at
        if at != "." and at.count("/") >= _DEPTH - 1:
            continue
        todo += [inside(at, name) for name in _inner(os.path.join(directory, at))]


def inside(folder: str, name: str) -> str:
    """The path of what is in one of them, from the directory."""
    return name if folder == "." else f"{folder}/{name}"


def _inner(path: str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            found = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return sorted(name for name in found if not name.startswith(".") and name.lower() not in _LEFT_OUT)


def read_text(directory: str, *names: str) -> str | None:
    """The text of a file; None when it is none, is no text, or is too large to be meant."""
    path = os.path.join(directory, *names)
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > _MOST_BYTES:
            return None
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError):
        return None
