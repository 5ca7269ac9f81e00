"""What happens in folders, told by the kernel (inotify(7)): a descriptor that is readable when there is news.

Python has no module for it. Nothing is asked while nothing happens, so who is idle sleeps.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from typing import NamedTuple

__all__ = ["Change", "Inotify"]

# <sys/inotify.h>
_IN_NONBLOCK, _IN_CLOEXEC = os.O_NONBLOCK, getattr(os, "O_CLOEXEC", 0)
_IN_MOVED_FROM, _IN_DELETE, _IN_DELETE_SELF, _IN_MOVE_SELF = 0x40, 0x200, 0x400, 0x800
_IN_Q_OVERFLOW, _IN_IGNORED = 0x4000, 0x8000
_IN_ONLYDIR, _IN_DONT_FOLLOW = 0x01000000, 0x02000000
_LOSSES = _IN_MOVED_FROM | _IN_DELETE | _IN_DELETE_SELF | _IN_MOVE_SELF

_HEADER = struct.Struct("iIII")
_ROOM = 64 * 1024


class Change(NamedTuple):
    """Something went away."""

    folder: str
    """As it was given to `Inotify.watch`; empty when the kernel could not keep up: then anything may have gone."""
    name: str
    """In that folder; empty when the folder itself went."""


class Inotify:
    """One inotify instance. Raises `OSError` when there is none: not Linux, or no instance left (inotify(7), limits).

    ``fd`` is readable when `read` has something to tell.
    """

    def __init__(self) -> None:
        if sys.platform != "linux":
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.inotify_add_watch.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32)
        self.fd: int = self._libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        if self.fd < 0:
            raise _last_error()
        self._folders: dict[int, str] = {}

    def watch(self, folder: str) -> None:
        """Tell what is deleted in this folder or moved out of it, and when it goes itself.

        To ask again for the same folder does nothing; for one that took its place, it is watched instead. Raises
        `OSError` when it is no folder.
        """
        mask = _LOSSES | _IN_ONLYDIR | _IN_DONT_FOLLOW
        number = self._libc.inotify_add_watch(self.fd, os.fsencode(folder), mask)
        if number < 0:
            raise _last_error()
        for former in [each for each, path in self._folders.items() if path == folder and each != number]:
            # It was moved away, and what happens to it there is nobody's business.
            del self._folders[former]
            self._libc.inotify_rm_watch(self.fd, former)
        self._folders[number] = folder

    def read(self) -> list[Change]:
        """What has happened since the last call; never blocks."""
        changes: list[Change] = []
        try:
            data = os.read(self.fd, _ROOM)
        except BlockingIOError:
            return changes
        offset = 0
        while offset < len(data):
            number, mask, _, length = _HEADER.unpack_from(data, offset)
            offset += _HEADER.size
            name = data[offset : offset + length].rstrip(b"\0")
            offset += length
            if mask & _IN_Q_OVERFLOW:
                changes.append(Change("", ""))
            folder = self._folders.get(number)
            if folder is None:
                continue
            if mask & _IN_IGNORED:
                del self._folders[number]
            changes.append(Change(folder, os.fsdecode(name)))
        return changes

    def close(self) -> None:
        """Let go."""
        os.close(self.fd)


def _last_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
