"""Whether each ``{port}`` and ``{ports.NAME}`` of a file stands for a port that there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..placeholders import UnknownPlaceholder, fill
from ..port_names import name_of
from .model import Entry
from .places import Path

__all__ = ["unknown_placeholders"]


def unknown_placeholders(entries: Mapping[str, Entry]) -> Iterator[tuple[str, Path, UnknownPlaceholder]]:
    """Each that stands for none: the process, where it is within that, and what is wrong."""
    ports = {name: {name_of(wish): 1 for wish in entry.definition.get("ports", [])} for name, entry in entries.items()}
    for name, entry in entries.items():
        for path, text in _texts(entry):
            try:
                fill(text, ports[name], ports)
            except UnknownPlaceholder as error:
                yield name, path, error


def _texts(entry: Entry) -> Iterator[tuple[Path, str]]:
    """What may have placeholders."""
    yield from _of(("command",), entry.command)
    for name, value in entry.environment.items():
        yield ("environment", name), value
    tables = {"ready": entry.definition.get("ready", {}), "liveness": entry.definition.get("liveness", {})}
    for key, table in tables.items():
        for inner in ("url", "command", "output"):
            yield from _of((key, inner), table.get(inner, ""))


def _of(path: Path, value: object) -> Iterator[tuple[Path, str]]:
    if isinstance(value, list):
        yield from (((*path, index), text) for index, text in enumerate(value))
    else:
        yield path, str(value)
