"""Files that are there to be locked (flock(2)). The kernel gives a lock up with its last descriptor, however a process
ends. Such a file is never unlinked by us, or two could each hold one of that name."""

from __future__ import annotations

import fcntl
import os

__all__ = ["hold", "is_of_name", "open_lock", "try_lock"]


def open_lock(path: str) -> int:
    """A descriptor of the file, which is made when it is not there. Raises `OSError`; ELOOP: it is a symbolic link."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def try_lock(fd: int) -> bool:
    """Lock it; False when somebody else has it. Raises `OSError`."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def hold(path: str) -> int | None:
    """The descriptor of the locked file, to be kept open for life; None when somebody else has it. Raises `OSError`."""
    fd = open_lock(path)
    try:
        locked = try_lock(fd)
    except OSError:
        os.close(fd)
        raise
    if not locked:
        os.close(fd)
        return None
    return fd


def is_of_name(path: str, fd: int) -> bool:
    """Whether the open file is still the one of that name. Raises `OSError` when that cannot be told."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(fd))
    except FileNotFoundError:
        return False
