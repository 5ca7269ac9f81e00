"""Which file system a path is on, from the text of proc_pid_mountinfo(5)."""

from __future__ import annotations

import os
from typing import NamedTuple

__all__ = ["Mount", "mount_of"]

# Not 9p or virtiofs: those join a virtual machine to the computer that it runs on.
_IS_SHARED = frozenset(
    "afs beegfs ceph cifs coda fuse.beegfs fuse.ceph fuse.glusterfs fuse.s3fs fuse.sshfs gfs2 glusterfs gpfs lustre "
    "ncpfs nfs nfs3 nfs4 ocfs2 orangefs pvfs2 smb2 smb3 smbfs".split()
)
_HAS_NO_FIFOS = frozenset("drvfs exfat fuseblk msdos ntfs ntfs3 vfat".split())


class Mount(NamedTuple):
    """What is mounted where."""

    point: str
    type: str
    source: str

    @property
    def is_shared(self) -> bool:
        """Other computers may see the same files."""
        return self.type in _IS_SHARED

    @property
    def has_no_fifos(self) -> bool:
        """mkfifo(3) fails there, or owner and mode mean nothing; also drives of Windows in WSL, which are 9p."""
        return self.type in _HAS_NO_FIFOS or self.source[1:3] == ":\\"


def mount_of(path: str, mountinfo: str) -> Mount | None:
    """The mount that a path is on, whether the path is there or not; None when the text does not tell."""
    path = os.path.realpath(path)
    found: Mount | None = None
    for line in mountinfo.splitlines():
        mount = _parse(line)
        # Of several at one point the last one covers the others.
        if mount is not None and _within(path, mount.point) and (not found or len(mount.point) >= len(found.point)):
            found = mount
    return found


def _parse(line: str) -> Mount | None:
    # Six fields, any number of optional ones, a dash, then type, source and options.
    head, dash, tail = line.partition(" - ")
    fields, rest = head.split(" "), tail.split(" ")
    if not dash or len(fields) < 6 or len(rest) < 2:
        return None
    return Mount(_unescaped(fields[4]), rest[0], _unescaped(rest[1]))


def _unescaped(text: str) -> str:
    for code, char in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", "\\")):
        text = text.replace(code, char)
    return text


def _within(path: str, point: str) -> bool:
    return point == "/" or path == point or path.startswith(point + "/")
