"""The bridge's files in its home: its lock, its socket, its token. What somebody deletes is made again."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Sequence

from persistproc_core.paths import Home

from .lock import hold_again
from .sockets import UnixListener
from .token import write_token

__all__ = ["Files"]


class Files:
    """What this bridge has in its home. The watcher has it, and so has each of its children by inheritance."""

    unix: UnixListener

    def __init__(self, home: Home, lock: int) -> None:
        """``lock`` is the descriptor of the home's lock; another one after `mend`."""
        self.lock = lock
        self._home = home
        self._token: str | None = None
        self._mutex = threading.Lock()
        self._ended = False

    def listen(self, token: str | None) -> None:
        """Bind the socket. ``token`` is what the file of the home's token holds, where one is in use."""
        self.unix = UnixListener(self._home)
        self._token = token

    def mend(self) -> list[str]:
        """Make again what is missing, and tell what it was. Blocks for microseconds; after `remove` it does nothing.

        What was mended before something is raised stays so. Raises `LockTaken` when another bridge serves the home by
        now, `PersistprocError` when the home is not ours (any more), and `OSError`.
        """
        with self._mutex:
            mended: list[str] = []
            if self._ended:
                return mended
            if not os.path.lexists(self._home.path):
                mended.append("home")
            self._home.ensure()
            former, self.lock = self.lock, hold_again(self._home, self.lock)
            if self.lock != former:
                mended.append("lock")
            # After the lock: a socket that is there and not ours is stale then, as at the start.
            if not self.unix.is_whole():
                self.unix.bind()
                mended.append("socket")
            if self._token is not None and not os.path.lexists(self._home.token):
                write_token(self._home.token, self._token)
                mended.append("token")
            return mended

    def replace(self, descriptors: Sequence[int], inode: int) -> None:
        """Have the lock and the socket that a child has made again."""
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        os.close(self.lock)
        self.lock = descriptors[0]
        self.unix.replace(socket.socket(fileno=descriptors[1]), inode)

    def remove(self) -> None:
        """Remove the socket's file, for good: who comes now finds nobody, and starts the next bridge."""
        with self._mutex:
            self._ended = True
            self.unix.remove()
