"""One configuration file of one agent: our entry put in, or taken out."""

from __future__ import annotations

from .broken import BrokenDocument
from .documents import entry_of, has_comments, with_entry, without_entry
from .files import ConfigFile, FileUnusable
from .own import run_own_command
from .program import find_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .agent import Agent
    from .connection import Connection

__all__ = ["Outcome", "install", "look", "uninstall"]


class Outcome:
    """What was done with a file, or would be.

    ``action``: added, updated, same (nothing to do), removed, absent (nothing to remove). ``command``: the agent's own
    command that did it; else ``text`` is what the file holds now. ``backup``: the copy of what it held before, ``old``:
    our entry in it.
    """

    __slots__ = ("action", "agent", "backup", "command", "entry", "notes", "old", "path", "text")

    def __init__(self, agent: Agent, path: str, action: str) -> None:
        self.agent = agent
        self.path = path
        self.action = action
        self.entry: dict[str, object] | None = None
        self.command: list[str] = []
        self.old: object = None
        self.text: str | None = None
        self.backup: str | None = None
        self.notes: list[str] = []

    def document(self) -> dict[str, object]:
        """For ``--json``."""
        return {
            "agent": self.agent.name,
            "action": self.action,
            "file": self.path,
            "entry": self.entry,
            "command": self.command or None,
            "backup": self.backup,
            "notes": self.notes,
        }


def look(agent: Agent, file: ConfigFile) -> object:
    """Our entry in the file as it is; None without one. Raises `FileUnusable` for a file that cannot be read."""
    try:
        return entry_of(agent.format, file.text, agent.keys)
    except BrokenDocument as error:
        raise _unusable(file, error) from None


def install(agent: Agent, path: str, connection: Connection, *, project: bool, write: bool) -> Outcome:
    """Put our entry into the file, unless it is there; without ``write`` only tell what would be done.

    Raises `FileUnusable`, and then nothing was changed.
    """
    file = ConfigFile(path)
    old = look(agent, file)
    entry = agent.entry(connection, shared=project)
    outcome = Outcome(agent, path, "added" if old is None else "updated")
    outcome.entry = entry
    outcome.old = old
    private = bool(connection.token) and not project
    if agent.is_same(old, entry):
        outcome.action = "same"
        return outcome
    file.check_writable()
    if old is None and not project and _may_run_own(agent, file, connection):
        outcome.command = agent.own_command(connection)
        if not write:
            return outcome
        outcome.backup = file.back_up()
        problem = run_own_command(outcome.command) or _unlike(agent, path, entry)
        if problem is None:
            return outcome
        outcome.notes.append(f"{' '.join(outcome.command[:3])} did not do it ({problem}); the file was edited instead")
        outcome.command = []
        file = ConfigFile(path)
        old = look(agent, file)
    outcome.text = _edited(agent, file, agent.merged(old, entry))
    if write:
        if not _is_made_by_us(agent, file, old):
            outcome.backup = outcome.backup or file.back_up()
        file.replace(outcome.text, private=private, project=project)
        if private and file.mode is not None and file.mode & 0o077:
            outcome.notes.append(f"{path} now holds a token, so that only you may read it")
    return outcome


def uninstall(agent: Agent, path: str, *, project: bool, write: bool) -> Outcome:
    """Take our entry out of the file. When nothing else has been changed since, the file is as it was before us.

    Raises `FileUnusable`, and then nothing was changed.
    """
    file = ConfigFile(path)
    old = look(agent, file)
    outcome = Outcome(agent, path, "removed" if old is not None else "absent")
    outcome.old = old
    if old is None:
        return outcome
    file.check_writable()
    before = file.backup_text()
    if before is not None and not _holds(agent, before) and _is_made_by_us(agent, file, old):
        outcome.text = before
        if write:
            file.restore(before)
        return outcome
    if before is None and _is_made_by_us(agent, file, old):
        outcome.notes.append(f"{path} held nothing else, and is deleted")
        if write:
            file.delete()
            file.forget_folders()
        return outcome
    outcome.text = _shortened(agent, file, prune=before is not None and not _has_section(agent, before))
    if write:
        outcome.backup = file.back_up()
        file.replace(outcome.text, private=False, project=project)
    return outcome


def _may_run_own(agent: Agent, file: ConfigFile, connection: Connection) -> bool:
    command = agent.own_command(connection)
    if not command or find_program(command[0]) is None:
        return False
    # A token on a command line can be read by every user of the machine (ps); the agent would write its file anew, so
    # that comments, or the link that somebody keeps it behind, could be lost.
    return not connection.token and not file.is_link and not has_comments(agent.format, file.text)


def _unlike(agent: Agent, path: str, entry: dict[str, object]) -> str | None:
    found = look(agent, ConfigFile(path))
    return None if agent.is_same(found, entry) else f"{path} does not hold the entry"


def _edited(agent: Agent, file: ConfigFile, entry: dict[str, object]) -> str:
    from json import dumps

    try:
        dumps(entry, ensure_ascii=False).encode()
        text = with_entry(agent.format, file.text, agent.keys, entry)
        if entry_of(agent.format, text, agent.keys) != entry:
            raise BrokenDocument("it is written in a way that cannot be edited safely")
    except BrokenDocument as error:
        raise _unusable(file, error) from None
    except UnicodeEncodeError:
        raise FileUnusable(
            f"cannot edit {file.path}: a name or path in the entry is not UTF-8 text; nothing was changed",
            hint="use a home directory of persistproc whose path is plain text (--home)",
        ) from None
    return text


def _shortened(agent: Agent, file: ConfigFile, prune: bool) -> str:
    try:
        return without_entry(agent.format, file.text, agent.keys, prune)
    except BrokenDocument as error:
        raise _unusable(file, error) from None


def _is_made_by_us(agent: Agent, file: ConfigFile, entry: object) -> bool:
    """True when the file is what putting the entry into the first copy makes, or without a copy into nothing.

    A further copy would then hold nothing of anybody else; it would keep our own entry, with its token, for ever.
    """
    if not isinstance(entry, dict):
        return False
    try:
        return with_entry(agent.format, file.backup_text() or "", agent.keys, entry) == file.text
    except BrokenDocument:
        return False


def _holds(agent: Agent, text: str) -> bool:
    try:
        return entry_of(agent.format, text, agent.keys) is not None
    except BrokenDocument:
        return True


def _has_section(agent: Agent, text: str) -> bool:
    try:
        return entry_of(agent.format, text, agent.keys[:-1]) is not None
    except BrokenDocument:
        return True


def _unusable(file: ConfigFile, error: BrokenDocument) -> FileUnusable:
    line = f"line {error.line}: " if error.line else ""
    return FileUnusable(
        f"cannot edit {file.path}: {line}{error.reason}; nothing was changed",
        hint="mend the file and run this again, or put the entry in by hand",
    )
