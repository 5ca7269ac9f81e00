"""The pages about the project's file are true: each file in them is read, each form of theirs is filled in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from persistproc_core.errors import ProjectInvalid
from persistproc_core.project_file.env_file import read_env_file
from persistproc_core.project_file.interpolation import InterpolationError, interpolate
from tests.docs.project_file_page import WRONG, WRONG_LATER
from tests.docs.test_pages import PAGES, blocks, name_of
from tests.meta.sources import ROOT
from tests.project_file.support import loaded

USER_GUIDE = ROOT / "docs" / "user-guide"
FILES = [
    pytest.param(name, text, id=f"{name_of(page)}-{number}")
    for page in PAGES
    for language, name in (("toml", "persistproc.toml"), ("procfile", "Procfile"))
    for number, text in enumerate(blocks(page, language), 1)
    if name == "Procfile" or "processes." in text
    # Those of the configuration of the daemon.
    if page.name != "configuration.md" and text not in (WRONG, WRONG_LATER)
]


@pytest.mark.parametrize(("name", "text"), FILES)
def test_each_file_is_right(tmp_path: Path, name: str, text: str) -> None:
    if "[tool.persistproc" in text:
        name = "pyproject.toml"

    assert loaded(tmp_path, text, name).processes


def test_each_form_of_interpolation_is_true() -> None:
    rows = re.findall(r"^\| (`.*`) \| (.*) \|$", section("Interpolation"), re.MULTILINE)
    tested = 0
    for written, becomes in rows:
        forms, results = re.findall(r"`([^`]+)`", written), re.findall(r"`([^`]+)`", becomes)
        for index, form in enumerate(forms):
            tested += 1
            assert filled(form) == (results[min(index, len(results) - 1)] if results else becomes)
    assert tested == 15


def filled(form: str) -> str:
    try:
        return interpolate(form, {"A": "a", "EMPTY": ""}) or "nothing"
    except InterpolationError as error:
        return "an error with these words" if "say which" in error.text else "an error"


def section(title: str) -> str:
    return (USER_GUIDE / "environment.md").read_text("utf-8").split(f"## {title}\n")[1].split("\n## ")[0]


def test_the_file_of_variables_is_read_as_the_page_says(tmp_path: Path) -> None:
    (text,) = blocks(USER_GUIDE / "environment.md", "dotenv")
    (tmp_path / ".env").write_text(text, "utf-8")

    assert read_env_file(str(tmp_path / ".env"), {}) == {
        "HOST": "localhost",
        "DEBUG": "1",
        "GREETING": "as it is \\n",
        "LINES": "one\ntwo",
        "URL": "http://localhost:3000/",
        "KEY": "begin\nend",
    }


def test_the_mistakes_are_mistakes(tmp_path: Path) -> None:
    for text in (WRONG, WRONG_LATER):
        with pytest.raises(ProjectInvalid):
            loaded(tmp_path, text)
