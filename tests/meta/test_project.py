"""What the repository as a whole must keep: bounds, exports, files, and nothing of the machine it was made on."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.meta.sources import PACKAGES, ROOT, module_name, modules, tracked_files

TOP_LEVEL = {
    *PACKAGES,
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "docs",
    "pyproject.toml",
    "tests",
}
PYPROJECT = (ROOT / "pyproject.toml").read_text("utf-8")


def requirements() -> list[str]:
    # By hand: tomllib is younger than the oldest Python we support.
    tables = re.findall(r"^(?:dependencies|dev|docs|agents) = \[(.*?)\]", PYPROJECT, re.MULTILINE | re.DOTALL)
    assert len(tables) == 4, tables
    return [text for table in tables for text in re.findall(r'"([^"]+)"', table)]


@pytest.mark.parametrize("requirement", requirements())
def test_a_dependency_has_a_lower_bound_alone(requirement: str) -> None:
    assert re.fullmatch(r"[a-z0-9.-]+>=[0-9.]+(; .+)?", requirement), "an upper bound breaks the install of next year"


def test_every_package_is_in_the_wheel() -> None:
    """setuptools finds what is a package; a folder without ``__init__.py`` would be left out."""
    assert 'include = ["persistproc_core*", "persistproc_mcp*", "persistproc_cli*"]' in PYPROJECT
    for folder in {path.parent for path in modules()}:
        assert (folder / "__init__.py").is_file(), f"{folder} is no package"


def test_top_level() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked_files()} == TOP_LEVEL


def public_names(path: Path) -> list[str]:
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    body = ast.parse(path.read_text("utf-8")).body
    return [node.name for node in body if isinstance(node, definitions) and not node.name.startswith("_")]


def needs_all(path: Path) -> bool:
    return path.name not in {"__main__.py", "__init__.py"} and not path.name.startswith("_")


# One test for all files: a test for each would take longer to set up than to run.
def test_all_is_true() -> None:
    assert [wrong for path in modules() if needs_all(path) for wrong in wrong_exports(path)] == []


def wrong_exports(path: Path) -> Iterator[str]:
    module = importlib.import_module(module_name(path))
    exported = getattr(module, "__all__", None)
    if exported is None:
        yield f"{path} has no __all__"
        return
    if len(exported) != len(set(exported)):
        yield f"{path} has a name twice in __all__"
    yield from (f"{path}: {name} is in __all__, but not there" for name in exported if not hasattr(module, name))
    # The declarations of the protocol are used as protocol.StartReply; there are too many of them to be exported.
    if path.name != "protocol.py":
        missing = [name for name in public_names(path) if name not in exported]
        yield from (f"{path}: {name} is public, but not in __all__" for name in missing)


def test_every_module_says_what_it_is() -> None:
    assert [path for path in modules() if path.stat().st_size and not has_docstring(path)] == []


def has_docstring(path: Path) -> bool:
    return ast.get_docstring(ast.parse(path.read_text("utf-8"))) is not None


# Put together here, so that this file does not find itself.
OF_A_MACHINE = re.compile("|".join(["/work" + "/", "/root" + "/", "/tmp" + "/(?:v|pp|brief)/"]))


def test_no_path_of_a_machine() -> None:
    for path in tracked_files():
        text = path.read_text("utf-8")
        assert [(path, line) for line in text.splitlines() if OF_A_MACHINE.search(line)] == []
        assert text.endswith("\n") or not text, f"the last line of {path} has no end"


def test_the_changelog_tells_what_is_new() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert "## [Unreleased]" in text
    assert "### Added" in text


def test_the_version_is_said_once() -> None:
    version = importlib.import_module("persistproc_core").__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+([a-z]+\d+)?", version)
    assert f'"{version}"' not in PYPROJECT


@pytest.mark.parametrize("name", ["run", "venv"])
def test_ci_scripts_are_executable_and_parse(name: str) -> None:
    path = ROOT / ".ci" / name
    assert os.access(path, os.X_OK)
    shell = path.read_text("utf-8").splitlines()[0].split("/")[-1].split()[-1]
    subprocess.run([shell, "-n", str(path)], check=True, timeout=10)


def test_supported_python() -> None:
    assert 'requires-python = ">=3.10"' in PYPROJECT
    assert sys.version_info >= (3, 10)
