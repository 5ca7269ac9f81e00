"""The daemon as a process of its own: lock, signals, limits, then `app.Daemon` on trio."""

from __future__ import annotations

import os
import signal
import socket
import sys

import anyio

from ..errors import DaemonUnavailable
from ..paths import Home
from .app import AlreadyRunning, Daemon, take_lock
from .supervisor import raise_file_limit

__all__ = ["run"]


def run(home: Home, ready_fd: int | None) -> int:
    """Be the daemon of this home; returns the exit code. Raises `DaemonUnavailable` when another one is silent."""

    def ready() -> None:
        if ready_fd is not None:
            try:
                os.write(ready_fd, b"ready\n")
                os.close(ready_fd)
            except OSError:
                pass  # whoever started us does not wait any more

    try:
        take_lock(home)
    except AlreadyRunning:
        _check_answers(home)
        ready()
        sys.stderr.write(f"persistproc: a daemon already serves {home.path}\n")
        return 3
    os.chdir("/")
    _default_signals()
    umask = os.umask(0o077)
    files = raise_file_limit()
    anyio.run(Daemon(home, umask=umask, files=files).run, ready, backend="trio")
    return 0


def _check_answers(home: Home) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        try:
            connection.connect(home.socket)
            connection.recv(1)
        except OSError as error:
            raise DaemonUnavailable(
                f"a daemon holds {home.lock} but does not answer on {home.socket}: {error}",
                hint="see persistproc doctor",
            ) from None


def _default_signals() -> None:
    # Whoever started us may have ignored signals (nohup, a shell's background jobs) or blocked them, and children would
    # be born that way. SIGHUP comes when a terminal closes that we have nothing to do with.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
