"""Is there room for output and records?"""

from __future__ import annotations

import os

from .finding import Kind, ok

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .finding import Finding

__all__ = ["KINDS", "disk", "judge"]

_LEAST_FREE_BYTES = 512 * 1024 * 1024
_LEAST_FREE_FILES = 1000
_MIB = 1024 * 1024

READ_ONLY = Kind(
    "disk",
    "disk-read-only",
    "problem",
    "The file system of the home is read-only, often after an error of the disk. Nothing new can be started; what runs "
    "goes on, and its output is lost.",
    "see `dmesg`, and mount it anew",
)
FULL = Kind(
    "disk",
    "disk-full",
    "problem",
    "Little space is left. When there is none, the oldest output is deleted, then new output is lost; no process is "
    "stopped by it, but nothing new can be started.",
    "make room, or run: `persistproc prune --all --older-than 7d`",
)
NO_FILES = Kind(
    "disk",
    "disk-no-files",
    "problem",
    "The file system can hold hardly any more files (inodes), however much space it has.",
    "delete files, or run: `persistproc prune --all --older-than 7d`",
)
KINDS = (READ_ONLY, FULL, NO_FILES)


def disk(path: str) -> Finding:
    """The file system of the home, or of the folder in which it will be made."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    status = os.statvfs(path)
    free = status.f_bavail * status.f_frsize
    read_only = bool(status.f_flag & os.ST_RDONLY)
    return judge(path, free, status.f_favail, limited=bool(status.f_files), read_only=read_only)


def judge(path: str, free: int, free_files: int, *, limited: bool, read_only: bool) -> Finding:
    """What the figures mean. ``limited``: the file system has a number of files at all; btrfs has none."""
    if read_only:
        return READ_ONLY.found(f"{path} is on a file system that is read-only")
    if free < _LEAST_FREE_BYTES:
        return FULL.found(f"only {free // _MIB} MiB are free at {path}")
    if limited and free_files < _LEAST_FREE_FILES:
        return NO_FILES.found(f"only {free_files} more files fit on the disk of {path}")
    return ok("disk", f"{free // _MIB} MiB free")
