"""What several checks look at: the home, what the daemon tells, and our own user's processes; each looked up once."""

from __future__ import annotations

from functools import cached_property

from persistproc_core.errors import DaemonUnavailable, PersistprocError

from ..locks import holder
from .processes import Seen, seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.paths import Home
    from persistproc_core.protocol import DaemonStatus, ProcessInfo

    from ..context import Context

__all__ = ["Look"]


class Look:
    """One look at everything. Nothing is started, written or locked by it."""

    def __init__(self, context: Context, home: Home) -> None:
        self.context = context
        self.home = home
        self.error: PersistprocError | None = None
        """Why the daemon tells nothing, although it may be there."""

    @cached_property
    def lock_holder(self) -> int | None:
        """Who holds the daemon's lock; 0: nobody, None: that cannot be told."""
        return holder(self.home.lock)

    @cached_property
    def processes(self) -> list[Seen]:
        """Our own user's processes; empty where there is no Linux /proc."""
        return seen()

    def process(self, pid: int | None) -> Seen | None:
        """One of them."""
        return next((each for each in self.processes if each.pid == pid), None)

    @cached_property
    def status(self) -> DaemonStatus | None:
        """What the daemon tells about itself; None when none answers."""
        there = self.process(self.lock_holder) if self.lock_holder else None
        if there is not None and there.is_stopped:
            return None  # it would let us wait for as long as we care to
        return self._asked[0] if self._asked else None

    @property
    def managed(self) -> list[ProcessInfo]:
        """The processes of all projects; empty when no daemon answers."""
        return self._asked[1] if self.status is not None and self._asked else []

    @cached_property
    def _asked(self) -> tuple[DaemonStatus, list[ProcessInfo]] | None:
        try:
            with self.context.connect(autostart=False) as client:
                status = client.get_daemon_status()
                return status, client.list_processes(all_projects=True)["processes"]
        except DaemonUnavailable as error:
            self.error = error
        except PersistprocError as error:
            self.error = error
        return None

    def stale(self) -> list[ProcessInfo]:
        """Those that look left behind."""
        if self.status is None:
            return []
        try:
            with self.context.connect(autostart=False) as client:
                return client.list_processes(all_projects=True, stale=True)["processes"]
        except PersistprocError:
            return []
