"""Who holds a lock, found out without touching it."""

from __future__ import annotations

import os
import sys

__all__ = ["holder"]


def holder(path: str) -> int | None:
    """The pid that holds a flock on the file; 0 where nobody does, None where that cannot be told.

    Read from /proc/locks (proc(5)): trying the lock, even for an instant, could keep a daemon that starts just then
    from getting it. There a lock is that of who took it; when he has died, although a successor to whom he gave the
    descriptor holds it on, his number still stands there, or in a pid namespace nothing at all. So who has the file
    open counts.
    """
    if sys.platform != "linux":
        return None
    try:
        status = os.stat(path)
        with open("/proc/locks", encoding="ascii") as locks:
            lines = locks.read().splitlines()
    except FileNotFoundError:
        return 0
    except OSError:
        return None
    taker = _taker(lines, status.st_ino)
    path = os.path.realpath(path)
    return taker if taker and _has_open(taker, path) else _who_has_open(path) or taker


def _taker(lines: list[str], inode: int) -> int:
    # The inode alone: btrfs and overlayfs tell another device here than stat(2) does. One home has few locks, and a
    # number that is used twice on one machine for a flock is rare enough for what is only said to a person.
    for line in lines:
        fields = line.split()
        if len(fields) >= 6 and fields[1] == "FLOCK" and fields[5].rpartition(":")[2] == str(inode):
            return int(fields[4])
    return 0


def _who_has_open(path: str) -> int:
    """The first of our own user's processes that has the file open; 0 when none has."""
    return next((int(name) for name in os.listdir("/proc") if name.isdigit() and _has_open(int(name), path)), 0)


def _has_open(pid: int, path: str) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        ours = os.stat(folder).st_uid == os.geteuid()
        return ours and any(_leads_to(f"{folder}/{fd}", path) for fd in os.listdir(folder))
    except OSError:
        return False  # it has ended, or may not be looked at


def _leads_to(link: str, path: str) -> bool:
    try:
        return os.readlink(link) == path
    except OSError:
        return False
