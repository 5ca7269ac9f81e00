"""Paths, and the folders that they are in."""

from __future__ import annotations

import os
from collections.abc import Iterable

__all__ = ["innermost", "is_within", "nearest_folder"]


def is_within(path: str, folder: str) -> bool:
    """Whether it is the folder itself, or lies in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def innermost(path: str, base: str, named: Iterable[str]) -> str:
    """The longest of these that the path is within; ``base`` when it is within none."""
    return max((each for each in (base, *named) if is_within(path, each)), key=len, default=base)


def nearest_folder(path: str) -> str:
    """The path itself when it is a folder, else the nearest one above it that is there. Blocks."""
    while path != "/" and not os.path.isdir(path):
        path = os.path.dirname(path)
    return path
