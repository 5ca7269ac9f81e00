"""From the tables of a file, whose kinds are known to be right, to its processes. What is wrong is noted."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Mapping
from typing import cast

from ..errors import InvalidParams
from ..port_names import name_of
from ..process_names import problem_of_name
from ..protocol import Definition
from ..signal_names import signal_number
from ..validation import fields
from .model import Entry, EnvFile
from .needs import check_needs, read_needs
from .placeholders_meant import unknown_placeholders
from .places import Path
from .port_forms import read_ports
from .readiness_forms import read_liveness, read_ready
from .source import Source

__all__ = ["read_entries"]

_SPECIAL = ("ports", "ready", "liveness")
_MOST_PORTS = 1000
"""Each is kept for its process as soon as somebody looks at the project; a machine has some ten thousand."""


def read_entries(source: Source, document: Mapping[str, object]) -> dict[str, Entry]:
    """The processes, in the order of the file."""
    entries: dict[str, Entry] = {}
    for name, table in cast("dict[str, dict[str, object]]", document["processes"]).items():
        entry = _entry(source, document, name, table)
        if entry.name in entries:  # written in two forms of Unicode
            source.wrong(("processes", name), "is there twice")
        entries[entry.name] = entry
    if sum(len(entry.definition.get("ports", [])) for entry in entries.values()) > _MOST_PORTS:
        source.wrong(("processes",), f"must have at most {_MOST_PORTS} ports in all")
    check_needs(source, {name: entry.needs for name, entry in entries.items()})
    _check_placeholders(source, entries)
    return entries


def _check_placeholders(source: Source, entries: Mapping[str, Entry]) -> None:
    for name, key, error in unknown_placeholders(entries):
        path = ("processes", name, *key)
        if key[0] == "environment" and not source.has(path):
            path = key  # it is that of the whole file
        source.wrong(path, f"has {error.placeholder}, but {error.text}", error.hint)


def _entry(source: Source, document: Mapping[str, object], name: str, table: dict[str, object]) -> Entry:
    path: Path = ("processes", name)
    _check(source, table, path)
    environment = {**_environment(source, document, ()), **_environment(source, table, path)}
    lines = {f"environment.{key}": source.line(("environment", key)) for key in environment}
    own = cast("dict[str, object]", table.get("environment", {}))
    lines.update({f"environment.{key}": source.line((*path, "environment", key)) for key in own})
    lines.update({key: source.line((*path, key)) for key in ("command", "working_directory")})
    definition = _definition(source, table, path)
    lines.update(_port_lines(source, definition, path))
    return Entry(
        name=unicodedata.normalize("NFC", name),
        line=source.line(path),
        command=cast("str | list[str]", table["command"]),
        working_directory=_placed(source, str(table.get("working_directory", "."))),
        env_files=(*_env_files(source, document, ()), *_env_files(source, table, path)),
        environment=environment,
        needs=read_needs(table.get("needs", [])),
        optional=bool(table.get("optional", False)),
        definition=definition,
        file=source.file,
        lines=lines,
    )


def _definition(source: Source, table: dict[str, object], path: Path) -> Definition:
    definition = {key: table[key] for key in fields(Definition) if key in table and key not in _SPECIAL}
    ports = read_ports(source, table, path)
    if ports:
        definition["ports"] = ports
    if "ready" in table:
        definition["ready"] = read_ready(source, table["ready"], ports, (*path, "ready"))
    if "liveness" in table:
        definition["liveness"] = read_liveness(source, table["liveness"], ports, (*path, "liveness"))
    return cast("Definition", definition)


def _port_lines(source: Source, definition: Definition, path: Path) -> Iterator[tuple[str, int | None]]:
    for wish in definition.get("ports", []):
        place = (*path, "ports", name_of(wish))
        yield f"ports.{name_of(wish)}", source.line(place if source.has(place) else (*path, "port"))


def _environment(source: Source, table: Mapping[str, object], path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in cast("dict[str, str | int]", table.get("environment", {})).items():
        # execve(2) could not carry such a name.
        if not name or "=" in name:
            source.wrong((*path, "environment", name), "cannot be the name of a variable")
        found[name] = str(value)
    return found


def _env_files(source: Source, table: Mapping[str, object], path: Path) -> list[EnvFile]:
    found: list[EnvFile] = []
    for index, item in enumerate(cast("list[str | dict[str, object]]", table.get("env_files", []))):
        line = source.line((*path, "env_files", index))
        if isinstance(item, str):
            found.append(EnvFile(_placed(source, item), line))
        else:
            found.append(EnvFile(_placed(source, str(item["path"])), line, bool(item.get("required", True))))
    return found


def _placed(source: Source, path: str) -> str:
    """Absolute, but for what only the caller's variables can tell."""
    if "${" in path or path == "~" or path.startswith("~/"):
        return path
    return os.path.normpath(os.path.join(source.directory, path.replace("$$", "$")))


def _check(source: Source, table: Mapping[str, object], path: Path) -> None:
    command = cast("str | list[str]", table["command"])
    if not (command if isinstance(command, str) else command[0]).strip():
        source.wrong((*path, "command"), "must not be empty")
    if table.get("shell") and not isinstance(command, str):
        source.wrong((*path, "shell"), "goes with a command that is a text", "a list is executed as it is")
    if "watch_signal" in table and not table.get("watch"):
        source.wrong((*path, "watch_signal"), "goes with watch", 'for example watch = ["src/**/*.py"]')
    for key in ("stop_signal", "watch_signal"):
        if not _is_signal(str(table.get(key, "TERM"))):
            source.wrong((*path, key), "is no signal", "for example SIGTERM, SIGINT, SIGHUP, SIGUSR1")
    for index, tag in enumerate(cast("list[str]", table.get("tags", []))):
        if problem := problem_of_name(tag):
            source.wrong((*path, "tags", index), f"cannot be a tag: {problem}", "use letters, digits and . _ : @ + -")


def _is_signal(name: str) -> bool:
    try:
        signal_number(name)
    except InvalidParams:
        return False
    return True
