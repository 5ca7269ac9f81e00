"""Reads a project's file as a whole."""

from __future__ import annotations

from .digest import digest_of
from .entries import read_entries
from .find import FoundFile
from .model import Entry, ProjectFile
from .places import Places
from .problems import Problem, Problems, invalid
from .procfile import read_procfile
from .read_text import read_text
from .shape import read_shape
from .source import Source
from .toml_text import NotToml, parse_toml

__all__ = ["load"]


def load(found: FoundFile) -> ProjectFile:
    """What the file says, when all of it is right.

    Reads files; starts nothing. Raises `ProjectInvalid`: its message has the first thing that is wrong, with file and
    line, its ``data.problems`` all of them.
    """
    text = read_text(found.path)
    problems = Problems(found.path)
    if found.format == "Procfile":
        entries = read_procfile(text, found.directory, problems)
        problems.check()
    else:
        entries = _from_toml(found, text, problems)
    return ProjectFile(found.path, found.format, found.directory, entries, digest_of(found.directory, entries))


def _from_toml(found: FoundFile, text: str, problems: Problems) -> dict[str, Entry]:
    try:
        document = parse_toml(text)
    except NotToml as error:
        raise invalid(found.path, Problem(f"is not TOML: {error}", error.line)) from None
    table = ("tool", "persistproc") if found.format == "pyproject.toml" else ()
    source = Source(found.path, found.directory, problems, _places(found, text), table)
    for key in table:
        inner = document.get(key)
        if not isinstance(inner, dict):
            raise invalid(found.path, Problem("tool.persistproc must be a table", source.line(())))
        document = inner
    shape = read_shape(source, document)
    problems.check()
    entries = read_entries(source, shape)
    problems.check()
    return entries


def _places(found: FoundFile, text: str) -> Places:
    try:
        return Places(text)
    except RecursionError:  # the parser may get by with a little less of the stack
        raise invalid(found.path, Problem("is not TOML: nests too deeply", 1)) from None
