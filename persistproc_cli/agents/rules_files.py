"""The files of a project in which agents read rules, with our section in them."""

from __future__ import annotations

import os

from .files import ConfigFile, FileUnusable
from .rules import with_rules, without_rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["remove_rules", "rules_files", "write_rules"]

_COMMON = "AGENTS.md"
_KNOWN = (_COMMON, "CLAUDE.md", "GEMINI.md")


def rules_files(project: str, wanted: str | None = None) -> list[str]:
    """The files to write: those that are there, else AGENTS.md; with ``wanted`` that one alone.

    A file that only takes in AGENTS.md (by a link, or by a line ``@AGENTS.md``) is not written beside it.
    """
    common = os.path.join(project, _COMMON)
    if wanted is not None:
        path = os.path.join(project, wanted)
        return [common if _takes_in(path, common) else path]
    there = [os.path.join(project, name) for name in _KNOWN if os.path.isfile(os.path.join(project, name))]
    return [path for path in there if path == common or not _takes_in(path, common)] or [common]


def write_rules(path: str) -> str:
    """Write our section; returns ``added``, ``updated`` or ``same``. Raises `FileUnusable`."""
    file = ConfigFile(path)
    text = _changed(file, with_rules)
    if text == file.text:
        return "same"
    file.replace(text, private=False, project=True)
    return "updated" if _changed(file, without_rules) != file.text else "added"


def remove_rules(path: str) -> str:
    """Remove our section; returns ``removed`` or ``absent``. A file that holds nothing else is deleted."""
    file = ConfigFile(path)
    text = _changed(file, without_rules)
    if text == file.text:
        return "absent"
    if text.strip():
        file.replace(text, private=False, project=True)
    else:
        file.delete()
    return "removed"


def _changed(file: ConfigFile, change: Callable[[str], str]) -> str:
    try:
        return change(file.text)
    except ValueError as error:
        raise FileUnusable(
            f"cannot edit {file.path}: {error}; nothing was changed", hint="delete what is left of the section"
        ) from None


def _takes_in(path: str, common: str) -> bool:
    if not os.path.isfile(path) or not os.path.isfile(common):
        return False
    if os.path.samefile(path, common):
        return True
    try:
        return any(line.strip() in ("@AGENTS.md", "@./AGENTS.md") for line in ConfigFile(path).text.splitlines())
    except FileUnusable:
        return False
