"""Which computer uses the home. A home on a network file system may be that of several, and only one can have it.

Sockets and FIFOs connect processes of one kernel, pids and boot ids are its own, and a lock may hold on one computer
alone (flock(2), NFS). On a local file system another host name means nothing: a container has a new one each time.
"""

from __future__ import annotations

import json
import os

from ...errors import UnsafeHome
from ...host import Host, note_path, noted_host, this_host
from ...mounts import Mount, mount_of
from ...paths import HOME_VARIABLE, Home
from .. import replaced_file
from ..kernel.identity import boot_id

__all__ = ["claim", "give_up"]

_MOUNTS = "/proc/self/mountinfo"


def claim(home: Home, host: Host | None = None, mounts: str = _MOUNTS) -> None:
    """Note in a home on a network file system that this computer uses it; a local one needs no note.

    ``host`` and ``mounts`` are those of this computer unless said otherwise. Raises `UnsafeHome` when another computer
    uses it; nothing is written then.
    """
    mount = _mount(home.path, mounts)
    if mount is None or not mount.is_shared:
        return
    host = host or this_host(boot_id())
    other = noted_host(home.path)
    if other is not None and not other.is_same(host):
        raise UnsafeHome(
            f"{home.path} is on a network file system ({mount.type}) and in use on another computer, {other.name}",
            hint=f"set {HOME_VARIABLE} to a folder on a local disk, or end persistproc there: persistproc shutdown",
        )
    if other != host:
        _write(home, host)


def give_up(home: Home) -> None:
    """Nothing runs in the home any more: another computer may have it."""
    if noted_host(home.path) is None:
        return  # on a local file system there is no note, and a file of that name is somebody else's
    try:
        os.unlink(note_path(home.path))
    except OSError:
        pass  # it is gone, or cannot be changed


def _mount(path: str, mounts: str) -> Mount | None:
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as file:
            return mount_of(path, file.read())
    except OSError:
        return None


def _write(home: Home, host: Host) -> None:
    try:
        replaced_file.replace(note_path(home.path), json.dumps(host).encode("ascii"))
    except OSError:
        pass  # the disk is full: the next daemon notes it
