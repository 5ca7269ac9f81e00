"""Reads a file of a project: bounded, and never one that could keep us waiting."""

from __future__ import annotations

import os
import stat

from .problems import Problem, invalid

__all__ = ["MAX_FILE_BYTES", "open_at_once", "read_text"]

MAX_FILE_BYTES = 1024 * 1024


def open_at_once(path: str, flags: int) -> int:
    """An opener for ``open``: the open of a FIFO waits for a writer without O_NONBLOCK (fifo(7))."""
    return os.open(path, flags | os.O_NONBLOCK)


def read_text(path: str) -> str:
    """The text of a regular file. Raises `ProjectInvalid`."""
    try:
        with open(path, "rb", opener=open_at_once) as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            data = file.read(MAX_FILE_BYTES + 1) if regular else b""
    except OSError as error:
        raise invalid(path, Problem(f"cannot be read: {error.strerror}")) from None
    if not regular:
        raise invalid(path, Problem("is not a regular file"))
    if len(data) > MAX_FILE_BYTES:
        raise invalid(path, Problem(f"is longer than {MAX_FILE_BYTES // 1024} KiB"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise invalid(path, Problem("is not UTF-8", line, "save it as UTF-8")) from None
