"""Ending a daemon that we cannot talk to, and waiting for a daemon's end."""

from __future__ import annotations

import os
import time

from persistproc_core.errors import DaemonUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.errors import VersionMismatch
    from persistproc_core.paths import Home

__all__ = ["end_foreign_daemon", "listener_of", "wait_until_gone"]

_SECONDS = 10.0
_PAUSE = 0.02


def wait_until_gone(pid: int, within: float = _SECONDS) -> bool:
    """Wait until a process is gone; False when it is still there after that time.

    The daemon answers a shutdown before it ends; who then looks at the list, or starts the next daemon, would find one
    that is about to end.
    """
    opened = getattr(os, "pidfd_open", None)
    if opened is None:
        return _poll(pid, within)
    try:
        descriptor: int = opened(pid)
    except ProcessLookupError:
        return True
    except OSError:
        return _poll(pid, within)
    import select

    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(within * 1000))
    finally:
        os.close(descriptor)


def _poll(pid: int, within: float) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return True  # a stranger: the number was used again
        time.sleep(_PAUSE)
    return False


def end_foreign_daemon(home: Home, mismatch: VersionMismatch) -> int:
    """End a daemon of another protocol by SIGTERM, and return its pid when it is gone.

    Its hello says its pid, but a home may be shared with another container or machine, where that number is somebody
    else: only what the kernel names as the listener of our own socket is signalled. Raises the mismatch as it came
    when that cannot be told, and `DaemonUnavailable` when it does not end.
    """
    import signal

    hello = mismatch.data.get("daemon")
    pid = hello.get("pid") if isinstance(hello, dict) else None
    if not isinstance(pid, int) or pid <= 1 or listener_of(home.socket) != pid:
        raise mismatch
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return pid
    except OSError:
        raise mismatch from None
    if not wait_until_gone(pid):
        raise DaemonUnavailable(f"the daemon (pid {pid}) does not end", hint=f"run: kill -9 {pid} (processes go on)")
    return pid


def listener_of(path: str) -> int | None:
    """The pid of our own user's process that listens on a socket; None where that cannot be told."""
    import socket

    from persistproc_core.unix_socket import credentials

    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(5)
        try:
            sock.connect(path)
            uid, pid = credentials(sock)
            return pid if uid == os.getuid() else None
        except OSError:
            return None
