"""Small things that the keeper asks of the system."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time

__all__ = ["is_late", "is_there", "limits_of", "lock", "make_fifo", "make_folder", "pipe", "place", "unlink"]


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


def lock(path: str) -> int:
    """Hold the keeper's lock for life: its descriptor, or -1 when another keeper has it. Raises `OSError`."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return -1
            raise
        if is_there(path, fd):
            break
        os.close(fd)  # somebody deleted the file between the two calls: the next one could be locked by another
    try:
        os.ftruncate(fd, 0)
        os.write(fd, b"%d\n" % os.getpid())
    except OSError:
        pass  # the disk is full; only who looks for us by this number misses it
    return fd


def is_there(path: str, fd: int) -> bool:
    """True while that file has this name."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(fd))
    except OSError:
        return False


def limits_of(fields: list[bytes]) -> list[tuple[str, int, int]]:
    """Resource limits from the wire: name, soft and hard in turn. Raises `ValueError`."""
    return [
        (name.decode(), int(soft), int(hard))
        for name, soft, hard in zip(fields[::3], fields[1::3], fields[2::3], strict=True)
    ]


def is_late(latest: list[bytes]) -> bool:
    """True when a request comes after the moment (monotonic, ns) that stands in its last field, if it has that field.

    Who asked has given up by then, and would not know of what is done. Raises `ValueError`.
    """
    return bool(latest) and time.monotonic_ns() > int(latest[0])


def make_folder(path: str | bytes, above: int = 0) -> None:
    """Make a folder (0700), and as many above it, where they are missing.

    Raises `OSError` when one of them is a link or somebody else's: nothing may be written there.
    """
    if above:
        make_folder(os.path.dirname(path), above - 1)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    status = os.lstat(path)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise NotADirectoryError(errno.ENOTDIR, "it is no folder of ours", path)


def place(error: Exception) -> str:
    """Function and line where an exception was raised, for the log."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace is not None else "?"
