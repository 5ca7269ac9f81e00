"""Small files that a reader finds whole: as they were, or as they are (rename(2))."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

__all__ = ["read_json", "replace", "sync_folder"]

_Content = TypeVar("_Content")


def read_json(path: str, parse: Callable[[dict[str, object]], _Content]) -> tuple[_Content | None, str]:
    """What such a file holds, None where it is not there, and what is wrong with it: then it is set aside. Blocks.

    ``parse`` makes it of the JSON object; it may fail as code does that takes data to be what they should be
    (`ValueError`, `KeyError`, `TypeError`). Raises `OSError`.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return None, ""
    try:
        return parse(json.loads(data)), ""
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        with suppress(OSError):
            os.rename(path, path + ".unreadable")
        return None, f"{type(error).__name__}: {error}"


def replace(path: str, content: bytes, *, synced: bool = False) -> None:
    """Put a file with this content (0600) in its place. Raises `OSError`; the old one is there then. Blocks.

    ``synced``: its bytes are on the disk before it gets the name; a power cut may empty it otherwise.
    """
    new = path + ".new"
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with open(fd, "wb") as file:
        file.write(content)
        file.flush()
        if synced:
            os.fsync(fd)
    os.rename(new, path)


def sync_folder(path: str) -> None:
    """Have its entries on the disk: a power cut may undo a rename otherwise (fsync(2)). Raises `OSError`. Blocks."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
