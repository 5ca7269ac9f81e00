"""Reads a file of a project: bounded, and never one that could keep us waiting."""

from __future__ import annotations

import os
import stat

from .problems import Problem, invalid

__all__ = ["MAX_FILE_BYTES", "Unreadable", "open_at_once", "read_bytes", "read_text"]

MAX_FILE_BYTES = 1024 * 1024


class Unreadable(Exception):
    """A file cannot be read. ``text`` tells why."""

    def __init__(self, text: str, *, missing: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.missing = missing
        """True when there is no such file."""


def open_at_once(path: str, flags: int) -> int:
    """An opener for ``open``: the open of a FIFO waits for a writer without O_NONBLOCK (fifo(7))."""
    return os.open(path, flags | os.O_NONBLOCK)


def read_bytes(path: str, *, only_regular: bool = True) -> bytes:
    """What a file holds, at most `MAX_FILE_BYTES`. Raises `Unreadable`.

    ``only_regular``: refuse a FIFO or device, which could keep us waiting for ever.
    """
    try:
        with open(path, "rb", opener=open_at_once if only_regular else None) as file:
            if only_regular and not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unreadable("is not a regular file")
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise Unreadable(f"cannot be read: {error.strerror}", missing=missing) from None
    except ValueError as error:
        raise Unreadable(f"cannot be read: {error}") from None  # a NUL in its name
    if len(data) > MAX_FILE_BYTES:
        raise Unreadable(f"is longer than {MAX_FILE_BYTES // 1024} KiB")
    return data


def read_text(path: str) -> str:
    """The text of a regular file. Raises `ProjectInvalid`."""
    try:
        data = read_bytes(path)
    except Unreadable as error:
        raise invalid(path, Problem(error.text)) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise invalid(path, Problem("is not UTF-8", line, "save it as UTF-8")) from None
