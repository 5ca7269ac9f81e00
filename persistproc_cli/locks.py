"""Who holds a lock, found out without touching it."""

from __future__ import annotations

import os
import sys

__all__ = ["holder"]


def holder(path: str) -> int | None:
    """The pid that holds a flock on the file; 0 where nobody does, None where that cannot be told.

    Read from /proc/locks (proc(5)): trying the lock, even for an instant, could keep a daemon that starts just then
    from getting it.
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
    # The inode alone: btrfs and overlayfs tell another device here than stat(2) does. One home has few locks, and a
    # number that is used twice on one machine for a flock is rare enough for what is only said to a person.
    for line in lines:
        fields = line.split()
        if len(fields) >= 6 and fields[1] == "FLOCK" and fields[5].rpartition(":")[2] == str(status.st_ino):
            return int(fields[4])
    return 0
