"""Which files count: patterns, what git ignores, and the words for what has changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from persistproc_core.daemon.watching.ignoring import Ignored
from persistproc_core.daemon.watching.patterns import Patterns, check_patterns
from persistproc_core.daemon.watching.words import changed_words
from persistproc_core.errors import InvalidParams


@pytest.mark.parametrize(
    ("patterns", "counts", "does_not"),
    [
        (["src/**/*.py"], ["src/a.py", "src/x/y/a.py"], ["a.py", "src/a.pyc", "lib/src/a.py"]),
        (["*.html"], ["a.html", "x/y/a.html"], ["a.htm"]),
        (["src/"], ["src/a", "x/src/a"], ["src2/a"]),
        (["/src/"], ["src/a"], ["x/src/a"]),
        (["./src"], ["src/a", "src"], ["x/src/a"]),
        (["**/*.py", "!src/gen/", "src/gen/keep.py"], ["a.py", "src/gen/keep.py"], ["src/gen/a.py"]),
        (["*.py", "!*_test.py"], ["a.py"], ["a_test.py"]),
        (["#notes"], ["#notes"], ["notes"]),
        (["../shared/**/*.py"], ["../shared/a.py"], ["shared/a.py", "../other/a.py"]),
        ([".env"], [".env", "x/.env"], ["env"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_counts(patterns: list[str], counts: list[str], does_not: list[str]) -> None:
    found = Patterns("/w/shop", patterns)
    for path in counts:
        assert found.matches(os.path.normpath(f"/w/shop/{path}")), path
    for path in does_not:
        assert not found.matches(os.path.normpath(f"/w/shop/{path}")), path


@pytest.mark.parametrize(
    ("patterns", "folders"),
    [
        (["src/**/*.py"], {"/w/src": ["/w/src"]}),
        (["src/**/*.py", "src/web/*.html", "!src/x"], {"/w/src": ["/w/src", "/w/src/web"]}),
        (["src/*.py", "*.html"], {"/w": ["/w", "/w/src"]}),
        (["dist/server.js"], {"/w/dist": ["/w/dist/server.js"]}),
        (["../shared/*.py", "lib/"], {"/shared": ["/shared"], "/w": ["/w/lib"]}),
        (["a-b/*.py", "a/**", "a/b/*.py"], {"/w/a": ["/w/a", "/w/a/b"], "/w/a-b": ["/w/a-b"]}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_only_the_folders_are_watched_in_which_something_can_count(
    patterns: list[str], folders: dict[str, list[str]]
) -> None:
    assert {base: sorted(named) for base, named in Patterns("/w", patterns).trees} == folders


@pytest.mark.parametrize("wrong", [["!src/"], [""], ["src/", "!"], ["\\"]], ids=["out", "empty", "bang", "backslash"])
def test_patterns_that_match_nothing_are_refused(wrong: list[str]) -> None:
    with pytest.raises(InvalidParams, match=r"matches nothing|take files out"):
        check_patterns(wrong)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git work tree, and a home without rules of its own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    work = tmp_path / "work"
    (work / ".git" / "info").mkdir(parents=True)
    (work / "web" / "src").mkdir(parents=True)
    return work


def ignored(tree: Path, *paths: str, below: str = "") -> list[str]:
    found = Ignored(str(tree / "web"))
    return [path for path in paths if found.ignores(str(tree / path), str(tree / below))]


def test_what_git_ignores(tree: Path) -> None:
    (tree / ".gitignore").write_text("dist/\n*.log\n/top.txt\n", "utf-8")
    (tree / "web" / ".gitignore").write_text("!kept.log\n/src/gen\n", "utf-8")
    (tree / ".git" / "info" / "exclude").write_text("mine.txt\n", "utf-8")
    assert ignored(
        tree,
        "web/a.log",
        "web/kept.log",
        "web/dist/a.js",
        "web/src/gen/a.py",
        "web/src/a.py",
        "web/top.txt",
        "top.txt",
        "web/mine.txt",
        ".git/index",
    ) == ["web/a.log", "web/dist/a.js", "web/src/gen/a.py", "top.txt", "web/mine.txt", ".git/index"]


def test_the_rules_of_the_user(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "config" / "git").mkdir(parents=True)
    (tmp_path / "config" / "git" / "ignore").write_text("*.bak\n", "utf-8")
    assert ignored(tree, "web/a.bak", "web/a.orig") == ["web/a.bak"]
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text("[core]\n\texcludesFile = ~/rules\n", "utf-8")
    (tmp_path / "home" / "rules").write_text("*.orig\n", "utf-8")
    assert ignored(tree, "web/a.bak", "web/a.orig") == ["web/a.orig"]


def test_what_programs_and_editors_write_beside_sources(tree: Path) -> None:
    noise = ["web/__pycache__/a.pyc", "web/node_modules/x/i.js", "web/.a.py.swp", "web/a.py~", "web/4913", "web/.#a.py"]
    assert ignored(tree, *noise, "web/a.py") == noise


def test_what_is_named_outright_counts_all_the_same(tree: Path) -> None:
    (tree / ".gitignore").write_text("dist/\n.env\n*.map\n", "utf-8")
    assert ignored(tree, "web/dist/a.js", "web/dist/a.map", below="web/dist") == ["web/dist/a.map"]
    assert ignored(tree, "web/.env", below="web/.env") == []


def test_changed_rules_are_read_again(tree: Path) -> None:
    found = Ignored(str(tree))
    path = str(tree / "web" / "a.txt")
    assert not found.ignores(path, str(tree))
    (tree / "web" / ".gitignore").write_text("*.txt\n!!\n", "utf-8")
    found.refresh()
    assert found.ignores(path, str(tree))
    (tree / "web" / ".gitignore").unlink()
    found.refresh()
    assert not found.ignores(path, str(tree))


def test_words() -> None:
    assert changed_words(["/w/src/a.py"], "/w") == "src/a.py changed"
    assert changed_words(["/w/a", "/w/b"], "/w") == "a and 1 more file changed"
    assert changed_words(["/shared/a", "/w/b", "/w/c"], "/w/x") == "/shared/a and 2 more files changed"
    assert changed_words(["/w/shared/a"], "/w/x") == "../shared/a changed"
    assert changed_words([f"/w/{os.fsdecode(bytes([0xFF]))}\n\x1b[31m"], "/w") == r"\udcff\n\x1b[31m changed"
    assert len(changed_words(["/w/" + "x" * 5000], "/w")) < 250
