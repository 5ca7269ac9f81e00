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
from .app import Daemon
from .file_limit import raise_file_limit
from .handover.taking import Inherited, take_over
from .home.host import claim
from .home.lock import AlreadyRunning, HomeLock, take_lock
from .notify import Notifier
from .taking_over import hold_start_lock, lock_instead_of_other

__all__ = ["run", "succeed"]

_DECIDED_SECONDS = 10.0
_LOOK_SECONDS = 0.05


def run(home: Home, ready_fd: int | None, notifier: Notifier, *, instead: bool = False) -> int:
    """Be the daemon of this home; returns the exit code. Raises `DaemonUnavailable` when another one is silent.

    Raises `UnsafeHome` when another computer uses the home. ``instead``: in place of one that runs already.
    """
    # From the lock on, a client that finds no socket asks for one (home/watch.py); unheard, that would be our end.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    claim(home)
    if ready_fd is not None:
        os.set_inheritable(ready_fd, False)
    start_lock = hold_start_lock(home) if instead else None

    def ready() -> None:
        if ready_fd is not None:
            try:
                os.write(ready_fd, b"ready\n")
                os.close(ready_fd)
            except OSError:
                pass  # whoever started us does not wait any more
        notifier.ready()
        if start_lock is not None:
            os.close(start_lock)

    lock = lock_instead_of_other(home) if instead else _lock_or_answer(home)
    if lock is None:
        ready()
        sys.stderr.write(f"persistproc: a daemon already serves {home.path}\n")
        return 3
    _settle_down()
    inherited = Inherited(os.umask(0o077), raise_file_limit())
    daemon = Daemon(home, HomeLock(home.lock, lock), inherited, notifier=notifier)
    anyio.run(daemon.run, ready, backend="trio")
    notifier.stopping()
    return 0


def succeed(home: Home, handover_fd: int, notifier: Notifier) -> int:
    """Be the daemon in place of the one that started us; returns the exit code.

    Raises `DaemonUnavailable` when that one goes on itself.
    """
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    _settle_down()

    async def serve() -> None:
        # Blocks, but the event loop has nothing else to do yet. Taken before there is one, the former daemon would
        # stand still, and its clients wait, for as long as it takes to load.
        taken = take_over(home, handover_fd)
        daemon = Daemon(home, HomeLock(home.lock, taken.lock), taken.inherited, notifier=notifier, taken=taken)
        # The service is ready all the time, and its manager listens to the former daemon until that names us.
        await daemon.run()

    anyio.run(serve, backend="trio")
    notifier.stopping()
    return 0


def _settle_down() -> None:
    os.chdir("/")
    _default_signals()


def _lock_or_answer(home: Home) -> int | None:
    """The lock, None when another daemon answers. One that has it may not listen yet, or not any more."""
    deadline = time.monotonic() + _DECIDED_SECONDS
    while True:
        try:
            return take_lock(home)
        except AlreadyRunning:
            problem = _problem(home)
        if not problem:
            return None
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
