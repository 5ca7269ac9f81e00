"""Which processes of a file are meant: names and tags, what they need, and what needs them."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence

from ...errors import ProcessNotFound
from ...project_file.model import Entry, ProjectFile
from ...protocol import DependencyCondition

__all__ = ["dependents", "matching", "wanted_with", "with_needs"]


def matching(file: ProjectFile | None, names: Sequence[str], others: Mapping[str, Collection[str]]) -> set[str]:
    """The names that are meant by names and tags.

    A word is a name; where there is none of it, it is a tag. ``others``: what was started from the file and is no
    longer in it, with its tags. Raises `ProcessNotFound`, with the nearest names and tags, for a word that is neither.
    """
    tags = {entry.name: entry.definition.get("tags", []) for entry in file.processes.values()} if file else {}
    known: dict[str, Collection[str]] = {**others, **tags}
    found: set[str] = set()
    for word in names:
        name = unicodedata.normalize("NFC", word.strip())
        chosen = {name} if name in known else {each for each, groups in known.items() if name in groups}
        if not chosen:
            raise _unknown(file, word, known)
        found |= chosen
    return found


def _unknown(file: ProjectFile | None, word: str, known: Mapping[str, Collection[str]]) -> ProcessNotFound:
    tags = list(dict.fromkeys(tag for groups in known.values() for tag in groups))
    words = [*known, *tags]
    near = difflib.get_close_matches(word[:200], words, 3)
    has = (", ".join(list(known)[:10]) or "none") + (f", and the tags {', '.join(tags[:10])}" if tags else "")
    hint = f"did you mean {' or '.join(near)}?" if near else f"it has {has}"
    where = file.path if file is not None else "the project"
    return ProcessNotFound(
        f"{where} has no process and no tag {word[:200]!r}", hint=hint, data={"candidates": near or words[:10]}
    )


def wanted_with(file: ProjectFile, names: Collection[str] | None, running: Collection[str]) -> set[str]:
    """What a start is about: these (None: all but the optional ones that do not run), and all that they need."""
    if names is None:
        names = [entry.name for entry in file.processes.values() if not entry.optional or entry.name in running]
    return with_needs(file, names)


def with_needs(file: ProjectFile, names: Iterable[str]) -> set[str]:
    """These, and all that they need, directly or not."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += file.processes[name].needs
    return found


def dependents(processes: Iterable[Entry], name: str) -> dict[str, DependencyCondition]:
    """Which of these need it, and how far it must be for each."""
    return {entry.name: entry.needs[name] for entry in processes if name in entry.needs}
