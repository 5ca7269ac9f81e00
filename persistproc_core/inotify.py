"""What happens in folders, told by the kernel (inotify(7)): a descriptor that is readable when there is news.

Python has no module for it. Nothing is asked while nothing happens, so who is idle sleeps.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from typing import Literal, NamedTuple, TypeAlias

__all__ = ["Change", "Inotify"]

# <sys/inotify.h>
_IN_NONBLOCK, _IN_CLOEXEC = os.O_NONBLOCK, getattr(os, "O_CLOEXEC", 0)
_IN_CLOSE_WRITE, _IN_MOVED_TO, _IN_CREATE, _IN_ISDIR = 0x8, 0x80, 0x100, 0x40000000
_IN_MODIFY, _IN_ATTRIB = 0x2, 0x4
_IN_MOVED_FROM, _IN_DELETE, _IN_DELETE_SELF, _IN_MOVE_SELF = 0x40, 0x200, 0x400, 0x800
_IN_Q_OVERFLOW, _IN_IGNORED = 0x4000, 0x8000
_IN_ONLYDIR, _IN_DONT_FOLLOW = 0x01000000, 0x02000000
_LOSSES = _IN_MOVED_FROM | _IN_DELETE | _IN_DELETE_SELF | _IN_MOVE_SELF
_GAINS = _IN_CLOSE_WRITE | _IN_MOVED_TO | _IN_CREATE
_WRITES = _IN_MODIFY | _IN_CLOSE_WRITE | _IN_ATTRIB | _IN_MOVE_SELF

_HEADER = struct.Struct("iIII")
_ROOM = 64 * 1024


_What: TypeAlias = Literal["gone", "made", "written", "folder"]


class Change(NamedTuple):
    """Something went away, or, where that was asked for, came or was written."""

    folder: str
    """As it was given to `Inotify.watch`; empty when the kernel could not keep up: then anything may have happened."""
    name: str
    """In that folder; empty when the folder itself went."""
    what: _What = "gone"
    """made: a file without content yet, or a link; written: closed after it was written to, or moved to that name;
    folder: one that was made or moved there."""


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
        self._numbers: dict[str, int] = {}

    @property
    def folders(self) -> list[str]:
        """What is watched."""
        return list(self._numbers)

    @property
    def count(self) -> int:
        """How many folders and files are watched."""
        return len(self._numbers)

    def watches(self, folder: str) -> bool:
        """Whether it is watched under this name."""
        return folder in self._numbers

    def watch(self, folder: str, *, gains: bool = False) -> None:
        """Tell what is deleted in this folder or moved out of it, and when it goes itself; ``gains``: also what comes
        and what is written.

        To ask again for the same folder does nothing; for one that took its place, it is watched instead. Raises
        `OSError` when it is no folder.
        """
        self._watch(folder, folder, _LOSSES | (_GAINS if gains else 0) | _IN_ONLYDIR | _IN_DONT_FOLLOW)

    def watch_file(self, path: str, folder: str) -> None:
        """Tell what is done to this one file, also to one that has no name any more: it is written to, closed by a
        writer, renamed or deleted. Told as a change of ``folder``, which names it. Raises `OSError`.
        """
        self._watch(path, folder, _WRITES)

    def _watch(self, path: str, folder: str, mask: int) -> None:
        number = self._libc.inotify_add_watch(self.fd, os.fsencode(path), mask)
        if number < 0:
            raise _last_error()
        if self._numbers.get(folder, number) != number:
            # It was moved away, and what happens to it there is nobody's business.
            self.forget(folder)
        self._forget_number(number)  # the same folder under another name
        self._folders[number] = folder
        self._numbers[folder] = number

    def forget(self, folder: str) -> None:
        """Watch it no more; one that is not watched is fine."""
        number = self._numbers.get(folder)
        if number is not None:
            self._forget_number(number)
            self._libc.inotify_rm_watch(self.fd, number)

    def _forget_number(self, number: int) -> None:
        folder = self._folders.pop(number, None)
        if folder is not None and self._numbers.get(folder) == number:
            del self._numbers[folder]

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
                self._forget_number(number)
            changes.append(Change(folder, os.fsdecode(name), _what(mask)))
        return changes

    def close(self) -> None:
        """Let go."""
        os.close(self.fd)


def _what(mask: int) -> _What:
    if not mask & (_GAINS | _IN_MODIFY):
        return "gone"
    if mask & _IN_ISDIR:
        return "folder"
    return "made" if mask & _IN_CREATE else "written"


def _last_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
