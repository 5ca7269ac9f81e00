"""What the tests of the project's file have in common."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, cast

import pytest

from persistproc_core.errors import ProjectInvalid
from persistproc_core.project_file.find import find_file
from persistproc_core.project_file.load import load
from persistproc_core.project_file.model import Entry, ProjectFile

__all__ = ["Wrong", "loaded", "only", "wrong"]


class Wrong(NamedTuple):
    """One problem that an error tells."""

    line: int | None
    text: str
    hint: str


def loaded(directory: Path, text: str, name: str = "persistproc.toml") -> ProjectFile:
    """The file of a directory, with that text."""
    (directory / name).write_text(text, "utf-8")
    found = find_file(str(directory))
    assert found is not None
    assert found.format == name
    return load(found)


def only(directory: Path, text: str, name: str = "persistproc.toml") -> Entry:
    """Its one process."""
    (entry,) = loaded(directory, text, name).processes.values()
    return entry


def wrong(directory: Path, text: str, name: str = "persistproc.toml") -> list[Wrong]:
    """Everything that is wrong with it."""
    with pytest.raises(ProjectInvalid) as caught:
        loaded(directory, text, name)
    error = caught.value
    told = cast("list[dict[str, str]]", error.data["problems"])
    problems = [Wrong(cast("int | None", each["line"]), each["text"], each.get("hint", "")) for each in told]
    first = problems[0]
    place = f"{directory / name}, line {first.line}" if first.line else f"{directory / name}"
    assert error.message.startswith(f"{place}: {first.text}")
    assert (error.data["file"], error.data["line"], error.hint) == (str(directory / name), first.line, first.hint)
    return problems
