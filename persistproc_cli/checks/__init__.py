"""What ``persistproc doctor`` looks at. Each check only looks: none starts, writes or locks anything."""

from __future__ import annotations

import os

from persistproc_core.errors import UnsafeHome

from ..service.status import coming_back
from . import bridge, daemon, descriptors, disk, home, installation, keeper, machine, managed, records, service
from .finding import Finding, Kind
from .logind import kills_at_logout, logind_settings
from .look import Look
from .processes import seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..context import Context

__all__ = ["KINDS", "Finding", "Kind", "findings"]

_THEMES = (installation, home, disk, daemon, keeper, descriptors, records, bridge, service, managed, machine)
_ZOMBIE_SECONDS = 3.0
_LOOK_SECONDS = 0.1

KINDS: tuple[Kind, ...] = tuple(kind for theme in _THEMES for kind in theme.KINDS)
"""Everything that can be found, by theme."""


def findings(context: Context) -> Iterator[Finding]:
    """All checks, in the order in which a failing one explains the next."""
    yield from installation.installation()
    yield installation.user(os.environ, os.geteuid(), installation.owner_of_home(os.environ))
    try:
        place = context.home()
    except UnsafeHome as error:
        yield home.UNKNOWN.found(error.message, error.hint)
        return
    folders = home.folders(place, _read("/proc/self/mountinfo"))
    yield folders
    if folders.level != "ok":
        return
    yield from home.file_system(place.path, _read("/proc/self/mountinfo"))
    yield home.socket_path(place)
    yield disk.disk(place.path)
    look = Look(context, place)
    yield from daemon.daemon(look)
    yield from keeper.keeper(look)
    yield from descriptors.descriptors(look)
    yield from _limits(look)
    yield from records.records(place.runs)
    yield bridge.bridge(place)
    yield from managed.managed(look.managed, look.stale())
    pid = look.status["pid"] if look.status is not None else None
    yield from service.service(place, pid, coming_back(look.managed))
    yield from _machine(look)


def _limits(look: Look) -> Iterator[Finding]:
    if not look.processes:
        return  # the files below are Linux's
    live = sum(each["processes"] > 0 for each in look.managed)
    yield descriptors.pipes(live, _read("/proc/sys/fs/pipe-user-pages-soft"), root=os.geteuid() == 0)
    most = _read("/proc/sys/fs/inotify/max_user_instances")
    yield descriptors.inotify(descriptors.inotify_instances(look), most)


def _machine(look: Look) -> Iterator[Finding]:
    import time

    from ..service.manager import user_name
    from ..service.systemd import lingers

    yield machine.clock(machine.newest_event(look.home.events), time.time())
    if not look.processes:
        return
    user = user_name()
    if os.path.isdir("/run/systemd/system"):
        # Where neither is there, what we start will be where we are.
        pid = (look.status["keeper_pid"] if look.status is not None else None) or look.lock_holder or "self"
        kills, cgroup = kills_at_logout(logind_settings(), user), _read(f"/proc/{pid}/cgroup")
        yield machine.logout(kills=kills, lingers=lingers(user), user=user, cgroup=cgroup)
    yield machine.tracing(_read("/proc/sys/kernel/yama/ptrace_scope"))
    yield _orphans(look)


def _orphans(look: Look) -> Finding:
    import time

    deadline, init = time.monotonic() + _ZOMBIE_SECONDS, _read("/proc/1/comm").strip()
    again = look.processes
    while True:
        found = machine.orphans(look.processes, again, init)
        if found.level == "ok" or time.monotonic() >= deadline:
            return found
        time.sleep(_LOOK_SECONDS)  # nothing tells when process 1 has collected somebody else's child
        again = seen()


def _read(path: str) -> str:
    """The text of a file of the kernel; empty where it is not there or may not be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""
