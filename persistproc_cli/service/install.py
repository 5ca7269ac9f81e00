"""Installing and removing the services: files first, then what has to be said to the service manager."""

from __future__ import annotations

import os
import sys

from persistproc_core.errors import PersistprocError

from ..agents.files import ConfigFile
from ..bridge import ask, end
from .files import planned_change, removable
from .manager import user_name
from .program import bridge_program, daemon_program
from .running import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.paths import Home

    from .files import Change
    from .manager import Manager, ServiceFile
    from .running import Ran

__all__ = ["Outcome", "ServiceFailed", "install", "notes", "planned", "uninstall"]


class ServiceFailed(PersistprocError):
    """The files are as they were asked for, but the service manager does not do what it was asked."""

    code = "service_failed"


class Outcome:
    """What was done: commands that were run, and those that somebody has to run when ``absent`` is mended."""

    __slots__ = ("absent", "ran", "to_run")

    def __init__(self) -> None:
        self.ran: list[Ran] = []
        self.to_run: list[list[str]] = []
        self.absent = ""
        """Why the service manager could not be reached; empty when it was."""


def planned(manager: Manager, home: Home, *, bridge: bool, force: bool) -> list[Change]:
    """The files of an installation, and how they differ from what is there.

    Raises `NotOurs`, `Unwritable`, `FileUnusable`, and what a bridge that does not answer raises.
    """
    programs = [daemon_program(home), *([bridge_program(home)] if bridge else [])]
    return [planned_change(manager, program, force=force) for program in programs]


def install(manager: Manager, home: Home, changes: list[Change]) -> Outcome:
    """Write the files, and have the services run now and at each login.

    Raises `FileUnusable`, and `ServiceFailed` when the service manager refuses.
    """
    for change in changes:
        change.write()
    outcome = Outcome()
    outcome.absent = manager.absent()
    changed = [change.file.role for change in changes if change.action == "changed"]
    states = {change.file.role: manager.state(change.file.role) for change in changes}
    commands = manager.start_commands(changed, states)
    if outcome.absent:
        outcome.to_run = commands
        return outcome
    if "bridge" in states and not states["bridge"].active:
        # The unit of systemd does so at each start; launchd has no such thing.
        _end_bridge(home)
    _run_all(commands, outcome)
    return outcome


def _end_bridge(home: Home) -> None:
    if ask(home) is not None:
        end(home)


def uninstall(
    manager: Manager, home: Home, roles: list[str], *, force: bool, write: bool
) -> tuple[list[ServiceFile], Outcome]:
    """End the services, and remove their files; the processes go on. Without ``write`` only what would be done is told.

    Raises `NotOurs` before anything is done, `FileUnusable`, and `ServiceFailed`.
    """
    there = [file for role in roles if (file := removable(manager, role, home.path, force=force)) is not None]
    outcome = Outcome()
    if not there:
        return there, outcome
    stop = manager.stop_commands([file.role for file in there])
    if not write:
        outcome.to_run = [*stop, *manager.removed_commands()]
        return there, outcome
    outcome.absent = manager.absent()
    if not outcome.absent:
        _run_all(stop, outcome)
    for file in there:
        ConfigFile(file.path).delete()
    if outcome.absent:
        outcome.to_run = manager.removed_commands()
    else:
        _run_all(manager.removed_commands(), outcome)
    return there, outcome


def _run_all(commands: list[list[str]], outcome: Outcome) -> None:
    for argv in commands:
        ran = run(argv)
        outcome.ran.append(ran)
        if ran.code:
            raise ServiceFailed(f"{ran.text} failed: {ran.problem}", hint="see: persistproc service status")


def notes(manager: Manager, outcome: Outcome, *, linger: bool) -> list[str]:
    """What somebody who has just installed it has to know. ``linger``: it was asked for, and how that went is told."""
    told = []
    if manager.lingers() is False and not linger and not outcome.absent:
        told.append(
            "it runs from your first login to your last logout, and then its processes end as well; to have them from "
            f"boot on, and after logout: loginctl enable-linger {user_name()} (or install --linger)"
        )
    if os.geteuid() == 0 and os.environ.get("SUDO_USER", "root") != "root":
        told.append(f"this is root's service, for you are root by sudo; for {os.environ['SUDO_USER']}'s: without sudo")
    if _is_cached(sys.executable):
        told.append("this installation lies in a cache that may be emptied; install persistproc for good, then again")
    return told


def _is_cached(path: str) -> bool:
    # uvx and pipx run put a virtual environment there and forget it after a while.
    return ".cache" in os.path.realpath(os.path.dirname(path)).split(os.sep)
