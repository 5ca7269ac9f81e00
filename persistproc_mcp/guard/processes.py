"""The process behind a connection: its pid, the directory it works in and its command line. Linux; blocking."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Process", "began_after", "holder_of", "process"]


class Process(NamedTuple):
    """What can be told about a process; empty where it cannot."""

    pid: int | None = None
    directory: str | None = None
    arguments: tuple[str, ...] = ()


# Who called lately, newest last: an agent that makes a connection for each call is found without a walk through all.
_recent: deque[int] = deque(maxlen=16)


def holder_of(inode: int) -> int | None:
    """The pid of a process of ours that holds the socket; the one with the lowest number when several share it."""
    link = f"socket:[{inode}]"
    for pids in (tuple(reversed(_recent)), _all()):
        for pid in pids:
            if _holds(pid, link):
                if pid not in _recent:
                    _recent.append(pid)
                return pid
    return None


_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_START_AT = 22 - 3  # starttime, counted from the field behind the name, which is the third


def began_after(pid: int, moment: float) -> bool:
    """Whether the process began after a moment of CLOCK_BOOTTIME (clock_gettime(2)): then the pid was another's before.

    False as well where that cannot be told.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name may hold anything, a parenthesis as well (proc_pid_stat(5)).
            fields = file.read().rpartition(b")")[2].split()
        return int(fields[_START_AT]) / _TICKS_A_SECOND > moment
    except (OSError, IndexError, ValueError):
        return False


def process(pid: int) -> Process:
    """What can be told about it now."""
    directory: str | None = None
    try:
        directory = os.readlink(f"/proc/{pid}/cwd")
        # Of a deleted directory the kernel writes "... (deleted)", which nothing could start in. And an editor that
        # was started from the desktop is in /, which is nobody's project.
        if directory == "/" or not os.path.isdir(directory):
            directory = None
    except OSError:
        directory = None  # gone, or another user's
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read(64 * 1024).rstrip(b"\0").split(b"\0")
    except OSError:
        words = []
    return Process(pid, directory, tuple(os.fsdecode(word) for word in words))


def _all() -> Iterator[int]:
    try:
        names = os.listdir("/proc")
    except OSError:
        return
    yield from sorted(int(name) for name in names if name.isdecimal())


def _holds(pid: int, link: str) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return False  # gone, or another user's
    for name in names:
        try:
            if os.readlink(f"{folder}/{name}") == link:
                return True
        except OSError:
            continue  # closed meanwhile
    return False
