"""Unix sockets that are for one user alone: how they are bound, and who is at the other end."""

from __future__ import annotations

import os
import socket
import struct

__all__ = ["bind_private", "credentials", "remove_own"]

_UCRED = struct.Struct("=iII")
# <sys/un.h> and <sys/ucred.h> of macOS and BSD: the level, the options, and struct xucred up to its uid.
_SOL_LOCAL, _LOCAL_PEERCRED, _LOCAL_PEERPID = 0, 1, 2
_XUCRED = struct.Struct("=II")


def bind_private(path: str, backlog: int) -> socket.socket:
    """A listening, non-blocking socket whose file has mode 0600 from birth. Raises `OSError`."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # bind(2) makes the file with the socket's mode on Linux and by the umask elsewhere; never wider for a moment.
        os.fchmod(listener.fileno(), 0o600)
        old = os.umask(0o177)
        try:
            listener.bind(path)
        finally:
            os.umask(old)
        listener.listen(backlog)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def remove_own(path: str, inode: int) -> None:
    """Remove the file of a socket, unless it is another one by now: that of a successor."""
    try:
        if os.stat(path).st_ino == inode:
            os.unlink(path)
    except OSError:
        pass


def credentials(connection: socket.socket) -> tuple[int, int | None]:
    """User and pid of who called connect(2), or listen(2), at the other end (SO_PEERCRED, unix(7); LOCAL_PEERCRED).

    The pid is None where the system does not tell, and for a process of a pid namespace that we do not see. Raises
    `OSError`.
    """
    option = getattr(socket, "SO_PEERCRED", None)
    if option is not None:
        pid, uid, _ = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, option, _UCRED.size))
        return uid, pid or None
    _, uid = _XUCRED.unpack_from(connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, 128))
    try:
        return uid, connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERPID) or None
    except OSError:
        return uid, None
