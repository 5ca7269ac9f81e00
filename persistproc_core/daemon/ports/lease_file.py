"""The file of leases. It is replaced as a whole, so a reader finds the old ones or the new ones."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import NamedTuple

from .. import replaced_file

__all__ = ["Key", "load", "write"]

_FORMAT = 1


class Key(NamedTuple):
    """For whom a port is kept."""

    project_directory: str
    process: str
    name: str


def load(path: str) -> tuple[dict[Key, int], str]:
    """The leases, and what is wrong with the file: then it is set aside. Raises `OSError`."""
    found, problem = replaced_file.read_json(path, _from_json)
    return found or {}, problem


def write(path: str, leases: Mapping[Key, int]) -> None:
    """Replace the file, so that not even a power cut loses it. Raises `OSError`; the old one is there then."""
    content = json.dumps({"format": _FORMAT, "leases": [[*key, port] for key, port in leases.items()]})
    replaced_file.replace(path, content.encode("ascii"), synced=True)
    replaced_file.sync_folder(os.path.dirname(path))


def _from_json(value: dict[str, object]) -> dict[Key, int]:
    if value["format"] != _FORMAT:
        raise ValueError(f"format {value['format']!r} is of another version")
    listed = value["leases"]
    if not isinstance(listed, list):
        raise TypeError("a list was expected")
    found: dict[Key, int] = {}
    for directory, process, name, port in listed:
        key = Key(_text(directory), _text(process), _text(name))
        if not isinstance(port, int) or not 0 < port < 65536 or port in found.values():
            raise ValueError(f"{port!r} is no port, or given twice")
        found[key] = port
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text was expected")
    return value
