"""Which project a directory belongs to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from persistproc_core.daemon.projects import project_name
from persistproc_core.project_file.root import project_root


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path.resolve()


def test_the_nearest_work_tree_is_the_project(base: Path) -> None:
    deep = base / "repo" / "inner" / "src"
    deep.mkdir(parents=True)
    (base / "repo" / ".git").mkdir()

    assert project_root(str(deep)) == str(base / "repo")

    (base / "repo" / "inner" / ".git").mkdir()
    assert project_root(str(deep)) == str(base / "repo" / "inner")


def test_a_linked_work_tree_has_a_git_file(base: Path) -> None:
    (base / "tree" / "src").mkdir(parents=True)
    (base / "tree" / ".git").write_text("gitdir: /elsewhere\n", encoding="utf-8")

    assert project_root(str(base / "tree" / "src")) == str(base / "tree")


def test_without_git_the_directory_is_the_project(base: Path) -> None:
    (base / "plain").mkdir()

    assert project_root(str(base / "plain")) == str(base / "plain")


def test_two_ways_to_a_directory_are_one_project(base: Path) -> None:
    (base / "repo" / ".git").mkdir(parents=True)
    (base / "repo" / "src").mkdir()
    (base / "link").symlink_to(base / "repo" / "src")

    assert project_root(str(base / "link")) == str(base / "repo")
    assert project_root(str(base / "repo" / "src" / "..")) == str(base / "repo")


def test_a_vanished_directory_belongs_to_where_it_was(base: Path) -> None:
    (base / "repo" / ".git").mkdir(parents=True)

    assert project_root(str(base / "repo" / "gone" / "deeper")) == str(base / "repo")


@pytest.mark.parametrize(("root", "name"), [("/", "/"), ("/a/web", "web"), ("/a/web/", "web"), ("/a/日本", "日本")])
def test_a_project_is_named_after_its_directory(root: str, name: str) -> None:
    assert project_name(root) == name


def test_the_root_directory_is_a_project() -> None:
    assert project_root("/") == os.path.realpath("/")
