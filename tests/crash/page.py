"""A page of memory that a test shares with daemons and keepers. Standard library only: the keeper imports it."""

from __future__ import annotations

import mmap
import os

__all__ = ["PAGE_BYTES", "shared_page"]

PAGE_BYTES = 4096


def shared_page(path: str) -> mmap.mmap:
    """The page of that file; it is made when it is not there."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(fd).st_size < PAGE_BYTES:
            os.ftruncate(fd, PAGE_BYTES)
        return mmap.mmap(fd, PAGE_BYTES)
    finally:
        os.close(fd)
