"""A daemon that lives while somebody deleted its socket: it is asked to make another one (SIGUSR1).

On Linux it notices by itself within a tenth of a second; elsewhere, and in that tenth, the client that finds no socket
asks. The pid stands in the lock's file. What is signalled is a daemon of our own user and of this home, told by its
command line: that of one that died may be anybody's by now.
"""

from __future__ import annotations

import os
import signal
import time

from ..meant import signal_meant
from .autostart import NOBODY_ANSWERS, PAUSE, connect_once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..paths import Home

__all__ = ["wake_daemon"]

_MODULE = b"persistproc_core.daemon"
_SECONDS = 3.0


def wake_daemon(home: Home, deadline: float) -> bool:
    """Have a daemon that lives without a socket make one. True as soon as it answers, False when there is none.

    One that is just starting answers as well. ``deadline``: of `time.monotonic`; it takes three seconds at most.
    """
    pid = _noted_pid(home.lock)
    deadline = min(deadline, time.monotonic() + _SECONDS)
    while _is_daemon_of(home, pid):
        try:
            connection = connect_once(home.socket)
            if connection is not None:
                connection.close()
            return True  # full is an answer too: somebody listens
        except NOBODY_ANSWERS:
            pass
        if time.monotonic() >= deadline:
            return False
        if not signal_meant(pid, signal.SIGUSR1, lambda pid: _is_daemon_of(home, pid)):
            return False
        time.sleep(PAUSE)
    return False


def _noted_pid(path: str) -> int:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return 0
    try:
        return int(os.read(fd, 20))
    except (OSError, ValueError):
        return 0
    finally:
        os.close(fd)


def _is_daemon_of(home: Home, pid: int) -> bool:
    if pid <= 1:
        return False
    words = _command_line(pid)
    if _MODULE not in words:
        return False
    if b"--home" in words[:-1]:
        return words[words.index(b"--home") + 1] == os.fsencode(home.path)
    return True


def _command_line(pid: int) -> list[bytes]:
    """The arguments of a process of our own user; none for anybody else's."""
    try:
        if os.stat(f"/proc/{pid}").st_uid != os.getuid():
            return []
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return [] if os.path.isdir("/proc/self") else _told_by_ps(pid)


def _told_by_ps(pid: int) -> list[bytes]:
    import subprocess

    try:
        told = subprocess.run(
            ["ps", "-ww", "-o", "uid=,command=", "-p", str(pid)], capture_output=True, timeout=_SECONDS, check=False
        ).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return []
    return told[1:] if told[:1] == [b"%d" % os.getuid()] else []
