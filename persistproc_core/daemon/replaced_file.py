"""Small files that a reader finds whole: as they were, or as they are (rename(2))."""

from __future__ import annotations

import os

__all__ = ["replace"]


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
