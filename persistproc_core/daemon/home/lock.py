"""The home's lock while the daemon lives: its file may be deleted, and is then made and locked again."""

from __future__ import annotations

import os

from ...lock_file import hold, is_of_name
from ...paths import Home

__all__ = ["AlreadyRunning", "HomeLock", "LockTaken", "note_pid", "take_lock"]


class LockTaken(Exception):
    """Another daemon has the lock that is there now."""


class AlreadyRunning(Exception):
    """Another daemon holds the lock of this home."""


def take_lock(home: Home) -> int:
    """Hold the home's lock for life; the file is never unlinked, or two daemons could each hold one of that name.

    Raises `AlreadyRunning`.
    """
    fd = hold(home.lock)
    if fd is None:
        raise AlreadyRunning
    note_pid(fd)
    return fd


class HomeLock:
    """The lock that this daemon holds. ``fd`` is its descriptor, another one after `mend`."""

    def __init__(self, path: str, fd: int) -> None:
        self._path = path
        self.fd = fd

    def is_whole(self) -> bool:
        """Whether the file that we hold is still the one of that name. Raises `OSError` when that cannot be told."""
        return is_of_name(self._path, self.fd)

    def sign(self) -> None:
        """See to it that our pid is in the file: one that was handed over to us has that of our predecessor."""
        if os.pread(self.fd, 20, 0) != b"%d\n" % os.getpid():
            note_pid(self.fd)

    def mend(self) -> None:
        """Hold the file of that name again; nothing happens when we do.

        Raises `LockTaken` when another daemon was faster, and `OSError`.
        """
        while not self.is_whole():
            fd = hold(self._path)
            if fd is None:
                raise LockTaken
            note_pid(fd)
            former, self.fd = self.fd, fd
            os.close(former)


def note_pid(fd: int) -> None:
    """Write our pid into the lock's file, for people and for those who look for a daemon without a socket."""
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"%d\n" % os.getpid(), 0)
    except OSError:
        pass  # the disk is full; only who looks for us by this number misses it
