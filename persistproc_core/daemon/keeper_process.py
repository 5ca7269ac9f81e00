"""The way to a keeper: the one that lives, the one that lives where nobody finds it, or a new one."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time

from ..meant import signal_meant
from ..paths import Home
from .home.hidden import holders_of
from .log import Log

__all__ = ["KeeperProcess"]

_CONNECT_SECONDS = 10.0
_HIDDEN_SECONDS = 2.0
_LOOK_SECONDS = 0.02


class KeeperProcess:
    """Finds or starts the keeper of a home. Everything here blocks."""

    def __init__(self, home: Home, log: Log, program: str) -> None:
        self._home = home
        self._log = log
        self._program = program
        self._children: list[int] = []

    def connect(self) -> socket.socket:
        """A connection to the keeper. Raises `OSError`."""
        self._children = [pid for pid in self._children if not _is_reaped(pid)]
        connection = self._connect() or self._connect_to_hidden()
        if connection is not None:
            return connection
        ours, theirs = socket.socketpair()
        with theirs:
            self._children.append(self._spawn(theirs.fileno()))
        return ours

    def _connect(self) -> socket.socket | None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(_CONNECT_SECONDS)
            connection.connect(self._home.keeper_socket)
            return connection
        except OSError:
            connection.close()
            return None

    def _connect_to_hidden(self) -> socket.socket | None:
        """Have a keeper that lives, but whose files were deleted, make them again. Two keepers must not be."""
        path = os.path.join(self._home.keeper, "lock")
        hidden = holders_of(path)
        for pid in hidden:
            self._log.warning("keeper.hidden", pid=pid)
            signal_meant(pid, signal.SIGUSR1, lambda pid: pid in holders_of(path))
        deadline = time.monotonic() + _HIDDEN_SECONDS
        while hidden and time.monotonic() < deadline:
            connection = self._connect()
            if connection is not None:
                return connection
            time.sleep(_LOOK_SECONDS)
            hidden = holders_of(path)
        if hidden:
            # One that is stopped, perhaps. Its children have nobody else, and a second one could not have them.
            raise OSError(errno.EAGAIN, f"the keeper (pid {hidden[0]}) has lost its socket, and does not make another")
        return None

    def _spawn(self, link: int) -> int:
        # Not posix_spawn: the C library leaves two of its own signals ignored in what it starts so, for ever.
        keeper = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", self._program, "--fd", str(link)),
                self._home.keeper_socket,
                self._home.holder_socket,
                os.path.join(self._home.keeper, "lock"),
                os.path.join(self._home.keeper, "keeper.log"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            pass_fds=[link],
            start_new_session=True,
        )
        # It is meant to outlive us; its object would warn of that when it is collected.
        keeper.returncode = 0
        return keeper.pid


def _is_reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
