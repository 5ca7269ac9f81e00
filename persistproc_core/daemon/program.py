"""The daemon as a process of its own: lock, signals, limits, then `app.Daemon` on trio."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time

import anyio

from ..errors import DaemonUnavailable
from ..paths import Home
from .app import AlreadyRunning, Daemon, take_lock
from .supervisor import raise_file_limit

__all__ = ["run"]

_DECIDED_SECONDS = 10.0
_LOOK_SECONDS = 0.05


def run(home: Home, ready_fd: int | None) -> int:
    """Be the daemon of this home; returns the exit code. Raises `DaemonUnavailable` when another one is silent."""

    if ready_fd is not None:
        os.set_inheritable(ready_fd, False)

    def ready() -> None:
        if ready_fd is not None:
            try:
                os.write(ready_fd, b"ready\n")
                os.close(ready_fd)
            except OSError:
                pass  # whoever started us does not wait any more

    if not _lock_or_answer(home):
        ready()
        sys.stderr.write(f"persistproc: a daemon already serves {home.path}\n")
        return 3
    os.chdir("/")
    _default_signals()
    umask = os.umask(0o077)
    files = raise_file_limit()
    anyio.run(Daemon(home, umask=umask, files=files).run, ready, backend="trio")
    return 0


def _lock_or_answer(home: Home) -> bool:
    """True with the lock, false when another daemon answers. One that has it may not listen yet, or not any more."""
    deadline = time.monotonic() + _DECIDED_SECONDS
    while True:
        try:
            take_lock(home)
            return True
        except AlreadyRunning:
            problem = _problem(home)
        if not problem:
            return False
        if time.monotonic() >= deadline:
            raise DaemonUnavailable(
                f"a daemon holds {home.lock} but does not answer on {home.socket}: {problem}",
                hint="see persistproc doctor",
            )
        time.sleep(_LOOK_SECONDS)


def _problem(home: Home) -> str:
    """Why nobody answers; empty when somebody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_DECIDED_SECONDS)
        try:
            connection.connect(home.socket)
            return "" if connection.recv(1) else "it hangs up"
        except OSError as error:
            return str(error)


def _default_signals() -> None:
    # Whoever started us may have ignored signals (nohup, a shell's background jobs) or blocked them, and children would
    # be born that way. SIGHUP comes when a terminal closes that we have nothing to do with.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
