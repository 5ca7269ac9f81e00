"""Ending a daemon that does not answer, and waiting for a daemon's end."""

from __future__ import annotations

import os
import time

from persistproc_core.errors import DaemonUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.paths import Home

__all__ = ["end_silent_daemon", "is_served", "listener_of", "wait_until_gone"]

_SECONDS = 10.0
_TERM_SECONDS = 5.0
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


def is_served(path: str) -> bool:
    """Whether somebody listens on a socket, be it that he does not answer."""
    import socket

    with socket.socket(socket.AF_UNIX) as sock:
        sock.setblocking(False)
        try:
            sock.connect(path)
        except BlockingIOError:
            return True  # its queue is full (connect(2))
        except OSError:
            return False
    return True


def end_silent_daemon(home: Home, pid: int) -> int:
    """End a daemon that listens but does not answer, by SIGTERM and then by SIGKILL; its pid. Its processes go on.

    ``pid`` is what it said of itself, 0 when it said nothing. A home may be shared with another container or machine,
    where that number is somebody else: only what the kernel names as the listener of our own socket is signalled.
    Raises `DaemonUnavailable` when it cannot be told, and when it does not end.
    """
    import signal

    listener = listener_of(home.socket)
    if listener is None or listener <= 1 or pid not in (0, listener):
        raise DaemonUnavailable(
            f"the daemon does not answer, and who it is cannot be told: {home.socket}", hint="run: persistproc doctor"
        )
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(listener, number)
        except ProcessLookupError:
            return listener
        except OSError as error:
            raise DaemonUnavailable(f"cannot end the daemon (pid {listener}): {error.strerror}") from None
        if wait_until_gone(listener, _TERM_SECONDS):
            return listener
    raise DaemonUnavailable(f"the daemon (pid {listener}) does not end, not even by SIGKILL")


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
