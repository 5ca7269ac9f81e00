"""Is the home a folder that is ours alone, on a file system of this machine?"""

from __future__ import annotations

import os
import stat

from persistproc_core.errors import UnsafeHome
from persistproc_core.host import noted_host, this_host
from persistproc_core.mounts import mount_of
from persistproc_core.paths import MAX_SOCKET_PATH

from .finding import Kind, ok

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from persistproc_core.paths import Home

    from .finding import Finding

__all__ = ["KINDS", "UNKNOWN", "file_system", "folders", "socket_path"]

UNKNOWN = Kind(
    "home",
    "home-unknown",
    "problem",
    "Nobody can tell where the home is: `HOME` is empty or no absolute path.",
    "set HOME, or PERSISTPROC_HOME to a folder of yours",
)
SYMLINK = Kind(
    "home",
    "home-symlink",
    "problem",
    "A folder of the home is a symbolic link. Whoever may change the link could have us write elsewhere, so nothing is "
    "started.",
    "move it away, and set PERSISTPROC_HOME to the real folder",
)
NO_FOLDER = Kind(
    "home",
    "home-no-folder",
    "problem",
    "Something that is no folder is where the home should be.",
    "move it away",
)
FOREIGN = Kind(
    "home",
    "home-foreign",
    "problem",
    "The home, or a folder in it, belongs to another user; usually something was once run with `sudo`.",
    "run: `sudo chown -R $(id -u) ~/.persistproc`",
)
WRITABLE = Kind(
    "home",
    "home-writable",
    "problem",
    "Other users may write to a folder of the home, and could so run commands as you.",
    "run: `chmod 700 ~/.persistproc`",
)
UNUSABLE = Kind(
    "home",
    "home-unusable",
    "problem",
    "The home cannot be looked at or made: a folder above it is missing, or closed to you.",
    "set PERSISTPROC_HOME to a folder that you can write to",
)
SHARED = Kind(
    "file system",
    "home-shared",
    "warning",
    "The home is on a network file system. Sockets, FIFOs and pids mean something on one computer only, so only one "
    "can use such a home; and output is slow there.",
    'give each computer a home of its own: `export PERSISTPROC_HOME="$HOME/.persistproc-$(hostname)"`',
)
NO_FIFOS = Kind(
    "file system",
    "home-without-fifos",
    "problem",
    "The home is on a file system that has no FIFOs or no owners (a Windows drive, a USB stick), so no process can be "
    "started.",
    "set PERSISTPROC_HOME to a folder on a file system of this machine",
)
OTHER_COMPUTER = Kind(
    "file system",
    "home-of-another-computer",
    "problem",
    "The home is on a network file system, and another computer uses it. Nothing is started here, for neither could "
    "see whether the other's processes live.",
    'give each computer a home of its own: `export PERSISTPROC_HOME="$HOME/.persistproc-$(hostname)"`; or end it '
    "there: `persistproc shutdown`",
)
KINDS = (UNKNOWN, SYMLINK, NO_FOLDER, FOREIGN, WRITABLE, UNUSABLE, SHARED, NO_FIFOS, OTHER_COMPUTER)


_KERNELS = ("proc", "sysfs", "devpts", "debugfs", "tracefs", "securityfs", "configfs", "pstore")
"""File systems in which nobody can make a folder of his own (filesystems(5))."""


def folders(home: Home, mountinfo: str = "") -> Finding:
    """The home, what is in it, and the stand-ins for paths that are too long; ``mountinfo`` as for `file_system`."""
    mount = mount_of(home.path, mountinfo)
    if mount is not None and mount.type in _KERNELS:
        return UNUSABLE.found(
            f"cannot create {home.path}: {mount.point} holds what the kernel tells, and no files of yours"
        )
    names = [home.path, home.runs, home.keeper]
    names += [os.path.dirname(path) for path in (home.socket, home.keeper_socket, home.holder_socket)]
    for path in dict.fromkeys(names):
        found = _folder(path)
        if found is not None:
            return found
    try:
        home.check()
    except UnsafeHome as error:
        return UNUSABLE.found(error.message, error.hint)
    if not os.path.isdir(home.path):
        return _not_there(home.path)
    return ok("home", home.path)


def _folder(path: str) -> Finding | None:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return UNUSABLE.found(f"cannot look at {path}: {error.strerror}")
    if stat.S_ISLNK(status.st_mode):
        mend = f"move {path} away, and set PERSISTPROC_HOME to the real folder: {os.path.realpath(path)}"
        return SYMLINK.found(f"{path} is a symbolic link", mend)
    if not stat.S_ISDIR(status.st_mode):
        return NO_FOLDER.found(f"{path} is not a folder", f"move {path} away")
    if status.st_uid != os.geteuid():
        mend = f"run: sudo chown -R {os.geteuid()} {path}"
        return FOREIGN.found(f"{path} belongs to user {status.st_uid}, not to you ({os.geteuid()})", mend)
    if status.st_mode & 0o022:
        return WRITABLE.found(f"other users may write to {path}", f"run: chmod 700 {path}")
    return None


def _not_there(path: str) -> Finding:
    parent = os.path.dirname(path)
    while not os.path.lexists(parent):
        parent = os.path.dirname(parent)
    if not os.path.isdir(parent) or not os.access(parent, os.W_OK | os.X_OK):
        return UNUSABLE.found(f"{path} is not there, and cannot be made: {parent} is closed to you")
    return ok("home", f"{path} is not there yet; the first start makes it")


def socket_path(home: Home) -> Finding:
    """Whether the socket has a name that fits, or a stand-in."""
    length = len(os.fsencode(os.path.join(home.path, "sock")))
    if home.socket.startswith(home.path + os.sep):
        return ok("socket path", f"{length} of {MAX_SOCKET_PATH} bytes")
    text = f"{length} bytes are more than a socket's path may have ({MAX_SOCKET_PATH}); {home.socket} is used instead"
    return ok("socket path", text)


def file_system(path: str, mountinfo: str) -> Iterator[Finding]:
    """Whether the home may lie there; ``mountinfo``: the text of /proc/self/mountinfo, empty where there is none."""
    mount = mount_of(path, mountinfo)
    if mount is None:
        return
    other = _other_computer(path) if mount.is_shared else ""
    if other:
        yield OTHER_COMPUTER.found(f"{path} is on {mount.type} ({mount.source}), and in use on {other}")
    elif mount.is_shared:
        yield SHARED.found(f"{path} is on {mount.type} ({mount.source})")
    elif mount.has_no_fifos:
        yield NO_FIFOS.found(f"{path} is on {mount.type} ({mount.source}), which has no FIFOs")
    else:
        yield ok("file system", f"{mount.type}, at {mount.point}")


def _other_computer(path: str) -> str:
    """The name of the computer that has noted there that it uses the home; empty when that is this one, or none."""
    known = noted_host(path)
    if known is None:
        return ""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
    except OSError:
        boot = ""
    return "" if known.is_same(this_host(boot)) else known.name
