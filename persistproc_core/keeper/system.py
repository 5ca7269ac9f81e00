"""Small things that the keeper asks of the system."""

from __future__ import annotations

import errno
import fcntl
import os

__all__ = ["limits_of", "lock", "make_fifo", "pipe", "place", "unlink"]


def make_fifo(path: bytes) -> None:
    """A FIFO for us alone; one that is there already will do. Raises `OSError`."""
    try:
        os.mkfifo(path, 0o600)
    except FileExistsError:
        pass


def unlink(path: bytes) -> None:
    """Delete a file, if it can be."""
    try:
        os.unlink(path)
    except OSError:
        pass


def pipe() -> tuple[int, int]:
    """A pipe of which neither end blocks. Raises `OSError`."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    return read, write


def lock(path: str) -> bool:
    """Hold the keeper's lock for life; false when another keeper has it. Raises `OSError`."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    try:
        os.ftruncate(fd, 0)
        os.write(fd, b"%d\n" % os.getpid())
    except OSError:
        pass  # the disk is full; only who looks for us by this number misses it
    return True


def limits_of(fields: list[bytes]) -> list[tuple[str, int, int]]:
    """Resource limits from the wire: name, soft and hard in turn. Raises `ValueError`."""
    return [
        (name.decode(), int(soft), int(hard))
        for name, soft, hard in zip(fields[::3], fields[1::3], fields[2::3], strict=True)
    ]


def place(error: Exception) -> str:
    """Function and line where an exception was raised, for the log."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace is not None else "?"
