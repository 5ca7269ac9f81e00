"""The keeper's own files: its lock, its log, and the paths of the two sockets."""

from __future__ import annotations

import os

from .system import is_there, lock, make_folder

__all__ = ["Home"]

_LOG_BYTES = 64 * 1024


class Home:
    """Where a keeper lives. `lock` is the descriptor of the lock that it holds, or -1."""

    __slots__ = ("_lock_path", "_log_path", "holder", "lock", "socket")

    def __init__(self, socket: str, holder: str, lock_path: str, log_path: str) -> None:
        self.socket = socket
        self.holder = holder
        self._lock_path = lock_path
        self._log_path = log_path
        self.lock = -1

    @property
    def words(self) -> list[str]:
        """The four paths, as they stand in the keeper's arguments."""
        return [self.socket, self.holder, self._lock_path, self._log_path]

    @property
    def folder(self) -> str:
        """The folder of the lock."""
        return os.path.dirname(self._lock_path)

    def take_lock(self) -> bool:
        """Hold the lock; false when another keeper has it. Raises `OSError`."""
        self.lock = lock(self._lock_path)
        return self.lock >= 0

    def make_again(self) -> bool:
        """Make the folders and the lock again, if somebody deleted them; false when another keeper has the lock.

        The lock of a deleted file keeps nobody out. Raises `OSError`.
        """
        make_folder(self.folder, above=1)
        for path in (self.socket, self.holder):
            make_folder(os.path.dirname(path))
        if is_there(self._lock_path, self.lock):
            return True
        new = lock(self._lock_path)
        if new < 0:
            return False
        os.close(self.lock)
        self.lock = new
        return True

    def log(self, text: str) -> None:
        """One line to the keeper's log, which is emptied when it is too long."""
        try:
            fd = os.open(self._log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            if os.fstat(fd).st_size > _LOG_BYTES:
                os.ftruncate(fd, 0)
            try:
                os.write(fd, text.encode("utf-8", "backslashreplace") + b"\n")
            finally:
                os.close(fd)
        except OSError:
            pass
