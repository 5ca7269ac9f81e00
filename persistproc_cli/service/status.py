"""What there is of the services: installed, enabled, running, and what would start with them."""

from __future__ import annotations

from persistproc_core.errors import PersistprocError

from ..daemon import listener_of
from .files import installed, is_for
from .manager import ROLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.paths import Home
    from persistproc_core.protocol import ProcessInfo

    from ..context import Context
    from .manager import Manager

__all__ = ["ServiceStatus", "autostarted", "coming_back", "daemon_pid", "status_of", "statuses"]


class ServiceStatus:
    """One service."""

    __slots__ = ("active", "enabled", "for_this_home", "installed", "name", "ours", "path", "pid", "problem", "role")

    def __init__(self, role: str, name: str, path: str) -> None:
        self.role = role
        self.name = name
        self.path = path
        self.installed = False
        self.ours = False
        self.for_this_home = False
        self.enabled = False
        self.active = False
        self.pid: int | None = None
        self.problem = ""

    def serves(self, daemon: int | None) -> bool:
        """True when this service, for this home, runs the daemon that answers; None: none answers (yet)."""
        return self.installed and self.for_this_home and self.active and daemon in (None, self.pid)

    def document(self) -> dict[str, object]:
        """For ``--json``."""
        return {name: getattr(self, name) for name in sorted(self.__slots__)}


def status_of(manager: Manager, home: Home, role: str) -> ServiceStatus:
    """The facts about one service. Raises `FileUnusable`."""
    there = installed(manager, role)
    status = ServiceStatus(role, manager.name(role), manager.path(role))
    if there is not None:
        status.installed, status.ours = True, there.ours
        status.for_this_home = is_for(manager, there, home.path)
    state = manager.state(role)
    status.enabled, status.active, status.pid = state.enabled, state.active, state.pid
    status.problem = state.problem
    return status


def statuses(manager: Manager, home: Home) -> list[ServiceStatus]:
    """Those of the daemon and of the bridge."""
    return [status_of(manager, home, role) for role in ROLES]


def daemon_pid(home: Home) -> int | None:
    """The daemon that answers, whoever started it."""
    try:
        home.check()
    except PersistprocError:
        return None
    return listener_of(home.socket)


def autostarted(context: Context) -> list[str] | None:
    """The processes, as project/name, that a start of the machine brings back; None when no daemon tells."""
    try:
        with context.connect(autostart=False) as client:
            processes = client.list_processes(all_projects=True)["processes"]
    except PersistprocError:
        return None
    return coming_back(processes)


def coming_back(processes: list[ProcessInfo]) -> list[str]:
    """Those of them, as project/name, that a start of the machine brings back."""
    # What somebody has stopped stays so.
    return [f"{each['project']}/{each['name']}" for each in processes if each["autostart"] and not each["stopped_by"]]
