"""What a process of a file gets: its variables and its directory, with the values of the caller's variables in them."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .env_file import EnvFileError, read_env_file
from .interpolation import InterpolationError, interpolate
from .model import Entry, EnvFile
from .problems import Problem, invalid

__all__ = ["directory_of", "variables_of"]

_MOST_CHARACTERS = 1024 * 1024


def variables_of(entry: Entry, base: Mapping[str, str]) -> dict[str, str]:
    """What its files of variables and its environment set, on top of ``base``, which is what the caller has.

    First the files in their order, then the environment in its order; later ones win, and each value may refer to what
    was set before it. Placeholders of ports are still in them. Reads files. Raises `ProjectInvalid` with file and line.
    """
    found: dict[str, str] = {}
    scope = dict(base)
    size = 0
    for env_file in entry.env_files:
        read = _read(entry, env_file, scope)
        found.update(read)
        scope.update(read)
        size = _check_size(entry, size + sum(map(len, read.values())), env_file.line)
    for name, value in entry.environment.items():
        line = entry.lines.get(f"environment.{name}")
        found[name] = scope[name] = _interpolated(entry, value, scope, line, name)
        size = _check_size(entry, size + len(found[name]), line)
    return found


def _check_size(entry: Entry, size: int, line: int | None) -> int:
    # Values that repeat others: a small file could fill the memory.
    if size > _MOST_CHARACTERS:
        text = f"the variables of {entry.name} are longer than {_MOST_CHARACTERS // 1024} KiB together"
        raise invalid(entry.file, Problem(text, line or entry.line))
    return size


def directory_of(entry: Entry, base: Mapping[str, str]) -> str:
    """Its working directory. Raises `ProjectInvalid`, with file and line, when it is no folder."""
    line = entry.lines.get("working_directory", entry.line)
    path = _path(entry, entry.working_directory, base, line, "working_directory")
    if not os.path.isdir(path):
        missing = "is not a folder" if os.path.exists(path) else "does not exist"
        text = f"the working directory of {entry.name} {missing}: {path}"
        raise invalid(entry.file, Problem(text, line))
    return path


def _read(entry: Entry, env_file: EnvFile, base: Mapping[str, str]) -> dict[str, str]:
    path = _path(entry, env_file.path, base, env_file.line, "env_files")
    try:
        return read_env_file(path, base, only_regular=True)
    except EnvFileError as error:
        if error.missing:
            if not env_file.required:
                return {}
            hint = f'make it, or write {{ path = "{os.path.basename(path)}", required = false }}'
            text = f"the environment file of {entry.name} does not exist: {path}"
            raise invalid(entry.file, Problem(text, env_file.line, hint)) from None
        raise invalid(path, Problem(error.text, error.line)) from None


def _path(entry: Entry, text: str, base: Mapping[str, str], line: int | None, what: str) -> str:
    directory = os.path.dirname(entry.file)
    # The project's directory is no text of the file: whatever it is called, nothing in it is filled in.
    written = text.removeprefix(directory)
    head = text[: len(text) - len(written)]
    path = head + (_interpolated(entry, written, base, line, what) if "${" in written else written)
    if path == "~" or path.startswith("~/"):
        path = (base.get("HOME") or os.path.expanduser("~")) + path[1:]
    return os.path.normpath(os.path.join(directory, path))


def _interpolated(entry: Entry, text: str, base: Mapping[str, str], line: int | None, what: str) -> str:
    try:
        return interpolate(text, base)
    except InterpolationError as error:
        words = f"{what} of {entry.name}: {error.text}"
        raise invalid(entry.file, Problem(words, line or entry.line, error.hint)) from None
