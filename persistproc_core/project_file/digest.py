"""The digest of a file: another one when what it says to run changes, and only then."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from .model import Entry

__all__ = ["digest_of", "process_digests"]

_FORM = 1
"""Of the text that is hashed; another one when that is put together in another way."""


def digest_of(directory: str, processes: Mapping[str, Entry]) -> str:
    """Of what a file says in this directory, as 64 hexadecimal digits. Comments, order and short forms do not count.

    What the files of variables hold is not in it: they change often, and are mostly nobody else's.
    """
    return _hashed(directory, {name: _said(entry) for name, entry in processes.items()})


def process_digests(directory: str, processes: Mapping[str, Entry]) -> dict[str, str]:
    """The same of each process by itself, by its name: which of them differ between two states of a file."""
    return {name: _hashed(directory, _said(entry)) for name, entry in processes.items()}


def _hashed(directory: str, said: Mapping[str, object]) -> str:
    text = json.dumps([_FORM, directory, said], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _said(entry: Entry) -> dict[str, object]:
    return {
        "command": entry.command,
        "working_directory": entry.working_directory,
        "env_files": [[each.path, each.required] for each in entry.env_files],
        "environment": entry.environment,
        "needs": entry.needs,
        "optional": entry.optional,
        "definition": entry.definition,
    }
