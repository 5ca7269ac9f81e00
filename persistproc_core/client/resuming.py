"""Finding the daemon again after a connection was lost, for those who only read.

A daemon that ends on purpose removes its socket; one that was killed leaves it behind. So a socket on which nobody
answers means a crash: a client that may start a daemon starts one. No socket at all means that somebody stopped the
daemon, and a reader must not undo that: it waits a moment for a restart, and gives up.
"""

from __future__ import annotations

import os
import time

from ..errors import DaemonUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..paths import Home

__all__ = ["Search"]

# A restart is a stop and a start: half a second on an idle machine.
_RESTART_SECONDS = 3.0


class Search:
    """One search for the daemon that follows the one that was lost."""

    def __init__(self, home: Home, pid: int, *, autostart: bool, seconds: float) -> None:
        """``pid`` is that of the lost daemon; after ``seconds`` nothing is tried any more."""
        self._home = home
        self._pid = pid
        self._autostart = autostart
        self._begun = time.monotonic()
        self._gone_since: float | None = None
        self.deadline = self._begun + seconds

    def may_start(self) -> bool:
        """Nobody answers: whether to start a daemon now, rather than to wait a moment and try again.

        Raises `DaemonUnavailable` when there is nothing to wait for.
        """
        self.check()
        now = time.monotonic()
        if self._gone_since is None:
            if _is_alive(self._pid):
                return False  # it closes its connections first, and removes its socket then
            self._gone_since = now
        if self._autostart and os.path.lexists(self._home.socket):
            return True
        if now - self._gone_since > _RESTART_SECONDS and not self._is_starting():
            raise self._given_up()
        return False

    def check(self) -> None:
        """Raise `DaemonUnavailable` when the time is up."""
        if time.monotonic() >= self.deadline:
            raise self._given_up()

    def _is_starting(self) -> bool:
        """Whether another client is starting a daemon (it holds the lock that serialises them)."""
        import fcntl

        try:
            fd = os.open(self._home.start_lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(fd)
        return False

    def _given_up(self) -> DaemonUnavailable:
        return DaemonUnavailable(
            "the daemon ended meanwhile, and did not come back",
            hint="its processes go on; run: persistproc daemon start",
        )


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # A zombie serves nobody, and in a container without an init nobody ever reaps it.
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except (OSError, IndexError):
        pass  # it has gone, or there is no such file (macOS)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
