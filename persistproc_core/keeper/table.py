"""What a keeper holds, in a file without a name: for the program that takes its place, by execve(2), in this process.

The head keeps its form for ever, for who goes back to the former program may know nothing else:
``persistproc-keeper NUL descriptor NUL interpreter NUL program NUL length NUL``. The descriptor is that of the former
program itself (see `image`), or -1: then it lies at the path ``program``. Behind the head come so many bytes of fields
(`fields`), and behind these whatever the program said that could not take over.
"""

from __future__ import annotations

import os

from .fields import Fields

__all__ = ["Table", "nameless", "read_table", "write_table"]

_MAGIC = b"persistproc-keeper"
_MOST_SAID = 2000


class Table:
    """A table that was read."""

    __slots__ = ("fields", "image", "said")

    def __init__(self, image: int, fields: Fields, said: bytes) -> None:
        self.image = image
        self.fields = fields
        self.said = said
        """Why another program could not take over; empty when none has tried."""


def nameless(folder: str) -> int:
    """A file without a name, in memory where the system has such files, else in that folder. Raises `OSError`."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("keeper")
    path = os.path.join(folder, f"table-{os.getpid()}")
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    os.unlink(path)
    return fd


def write_table(folder: str, image: int, program: tuple[str, str], body: bytes) -> int:
    """Write a table; returns its descriptor. ``program``: interpreter and path. Raises `OSError`."""
    interpreter, path = map(os.fsencode, program)
    data = b"%s\0%d\0%s\0%s\0%d\0%s" % (_MAGIC, image, interpreter, path, len(body), body)
    fd = nameless(folder)
    try:
        while data:
            data = data[os.write(fd, data) :]
    except OSError:
        os.close(fd)
        raise
    return fd


def read_table(fd: int) -> Table:
    """Read a table. Raises `ValueError` when it is none, and `OSError`."""
    size = os.fstat(fd).st_size
    data = b""
    while len(data) < size and (more := os.pread(fd, size - len(data), len(data))):
        data += more
    magic, image, _, _, length, rest = data.split(b"\0", 5)
    if magic != _MAGIC or len(rest) < int(length):
        raise ValueError("this is no table of a keeper")
    return Table(int(image), Fields(rest[: int(length)]), rest[int(length) :][:_MOST_SAID])
