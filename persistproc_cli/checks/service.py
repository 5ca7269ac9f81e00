"""Does the service do what it is installed for?"""

from __future__ import annotations

import os
import sys

from persistproc_core.errors import PersistprocError

from ..service.files import installed, is_for
from ..service.found import found_manager
from ..service.manager import BY_HAND, ROLES
from .finding import Kind, ok

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from persistproc_core.paths import Home

    from ..service.manager import Manager, ServiceFile
    from .finding import Finding

__all__ = ["KINDS", "service"]

_INSTALL = "run: `persistproc service install`"

AUTOSTART_WITHOUT = Kind(
    "service",
    "service-missing",
    "warning",
    "Processes are to come back after the machine was started again (`autostart`), but nothing starts the daemon then: "
    "they come back with the first command.",
    "run: `persistproc service install --linger`",
)
NOT_ENABLED = Kind(
    "service",
    "service-not-enabled",
    "warning",
    "The service is installed, but does not start at login.",
    _INSTALL,
)
FAILED = Kind(
    "service",
    "service-failed",
    "problem",
    "The service has failed, and the service manager does not start it any more.",
    "see: `systemctl --user status persistproc.service`; then run: `persistproc service install`",
)
OUTSIDE = Kind(
    "service",
    "service-outside",
    "warning",
    "The daemon was started by a command and not by its service: it may end with that session, and the service does "
    "not start it again after a crash.",
    "run: `systemctl --user restart persistproc.service` (processes go on)",
)
PROGRAM_MISSING = Kind(
    "service",
    "service-program-missing",
    "problem",
    "The service starts a Python that is not there any more: the installation was moved or deleted.",
    _INSTALL,
)
OTHER_PROGRAM = Kind(
    "service",
    "service-other-program",
    "warning",
    "The service starts another installation than the one that this command belongs to; at the next login that one's "
    "version runs.",
    _INSTALL,
)
UNREADABLE = Kind(
    "service",
    "service-unreadable",
    "warning",
    "The file of the service cannot be read.",
    "look at it; `persistproc service install --force` writes it anew",
)
ABSENT = Kind(
    "service",
    "service-no-manager",
    "warning",
    "The service is installed, but no service manager of yours answers, as in most containers: nothing starts the "
    "daemon but the commands that need it.",
    "have what starts the machine or the container, or your login, run: `persistproc daemon start`",
)
KINDS = (ABSENT, AUTOSTART_WITHOUT, NOT_ENABLED, FAILED, OUTSIDE, PROGRAM_MISSING, OTHER_PROGRAM, UNREADABLE)


def service(home: Home, daemon_pid: int | None, autostart: list[str]) -> Iterator[Finding]:
    """``autostart``: the processes, as project/name, that are to come back after a restart of the machine."""
    manager = found_manager()
    if manager is None:
        if not autostart:
            yield ok("service", "no service manager that persistproc knows")
        else:
            yield AUTOSTART_WITHOUT.found(f"nothing starts the daemon for {', '.join(autostart)}", BY_HAND)
        return
    absent = manager.absent()
    any_of_ours = False
    for role in ROLES:
        try:
            there = installed(manager, role)
        except PersistprocError as error:
            yield UNREADABLE.found(error.message)
            return
        if there is not None and is_for(manager, there, home.path):
            if absent:
                yield ABSENT.found(
                    f"{there.name} is installed, and no {manager.title} of yours answers: {absent}", BY_HAND
                )
                return
            any_of_ours = any_of_ours or role == "daemon"
            yield _judge(manager, there, daemon_pid)
    if not any_of_ours and autostart:
        mend = BY_HAND if absent else ""
        yield AUTOSTART_WITHOUT.found(f"nothing starts the daemon for {', '.join(autostart)}", mend)
    elif absent and not any_of_ours:
        yield ok("service", f"not installed, and no {manager.title} of yours answers")
    elif not any_of_ours:
        yield ok("service", "not installed; to have the daemon at login: persistproc service install")


def _judge(manager: Manager, there: ServiceFile, daemon_pid: int | None) -> Finding:
    program = manager.program_of(there.text)
    again = f"persistproc service install{' --bridge' if there.role == 'bridge' else ''}"
    if program and not os.access(program, os.X_OK):
        return PROGRAM_MISSING.found(f"{there.name} starts {program}, which is not there", f"run: {again}")
    if program and program != sys.executable:
        other = f"{there.name} starts {program}, and this command runs on {sys.executable}"
        return OTHER_PROGRAM.found(other, f"run: {again}")
    state = manager.state(there.role)
    if state.problem:
        mend = f"see: {manager.look_text(there.role)}; then run: {again}"
        return FAILED.found(f"{there.name}: {state.problem}", mend)
    if not state.enabled:
        return NOT_ENABLED.found(f"{there.name} does not start at login", f"run: {again}")
    if there.role == "daemon" and daemon_pid is not None and daemon_pid != state.pid:
        mend = f"run: {manager.restart_text} (processes go on)"
        return OUTSIDE.found(f"the daemon (pid {daemon_pid}) is not that of {there.name}", mend)
    return ok("service", f"{there.name} {'runs' if state.active else 'does not run'}, and starts at login")
