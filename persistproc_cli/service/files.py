"""The files of the services: what is there, what should be there, and what has to be done about it."""

from __future__ import annotations

import os

from persistproc_core.errors import PersistprocError

from ..agents.files import ConfigFile
from .systemd_unit import Unwritable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .manager import Manager, ServiceFile
    from .program import Program

__all__ = ["Change", "NotOurs", "difference", "installed", "is_for", "planned_change", "removable"]


class NotOurs(PersistprocError):
    """A file of the service manager is there that is not ours, or for another home; nothing was changed."""

    code = "not_ours"


class Change:
    """One file: what it should be, and what it is."""

    __slots__ = ("action", "before", "file")

    def __init__(self, file: ServiceFile, before: ConfigFile) -> None:
        self.file = file
        self.before = before
        self.action = "added"
        """added, changed or same."""
        if before.exists:
            self.action = "same" if before.text == file.text else "changed"

    @property
    def difference(self) -> list[str]:
        """The lines of the difference; empty for what is new or the same."""
        return difference(self.file.path, self.before.text, self.file.text) if self.action == "changed" else []

    def write(self) -> None:
        """Put the new text there, in one step. Raises `FileUnusable`."""
        if self.action != "same":
            self.before.replace(self.file.text, private=False, project=False)


def difference(path: str, old: str, new: str) -> list[str]:
    """A unified diff."""
    import difflib

    return list(difflib.unified_diff(old.splitlines(), new.splitlines(), path, path, lineterm="", n=1))


def planned_change(manager: Manager, program: Program, *, force: bool) -> Change:
    """What has to be done so that the service is there.

    Raises `NotOurs` (never with ``force``), `Unwritable` and `FileUnusable`.
    """
    file = manager.planned(program)
    _refuse_masked(file)
    change = Change(file, ConfigFile(file.path))
    if change.action != "changed" or force:
        return change
    there = manager.present(file.role, change.before.text)
    problem = ""
    if not there.ours:
        problem = f"{file.path} is there, and was not written by persistproc"
    elif there.home != file.home:
        problem = f"{file.path} is there, for another home: {there.home or 'it does not say which'}"
    if problem:
        raise NotOurs(problem, hint="--force replaces it", data={"differences": change.difference})
    return change


def _refuse_masked(file: ServiceFile) -> None:
    # systemctl mask: a link to /dev/null, by which somebody said that it shall never run.
    if os.path.islink(file.path) and os.path.realpath(file.path) == os.devnull:
        raise NotOurs(f"{file.name} is masked", hint=f"run: systemctl --user unmask {file.name}")


def installed(manager: Manager, role: str) -> ServiceFile | None:
    """The file that is there; None when none is. Raises `FileUnusable`."""
    path = manager.path(role)
    if os.path.realpath(path) == os.devnull:
        return None
    before = ConfigFile(path)
    return manager.present(role, before.text) if before.exists else None


def is_for(manager: Manager, there: ServiceFile, home: str) -> bool:
    """True when we have written it, for that home."""
    try:
        return there.ours and there.home == manager.notation(home)
    except Unwritable:
        return False  # a home that no service can be for


def removable(manager: Manager, role: str, home: str, *, force: bool) -> ServiceFile | None:
    """The file to remove; None when there is none. Raises `NotOurs`, never with ``force``."""
    there = installed(manager, role)
    if there is None or force:
        return there
    if not there.ours:
        raise NotOurs(f"{there.path} was not written by persistproc", hint="remove it yourself, or: --force")
    if not is_for(manager, there, home):
        raise NotOurs(
            f"{there.path} is for another home: {there.home or 'it does not say which'}",
            hint="give that one by --home, or: --force",
        )
    return there
