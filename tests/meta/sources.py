"""The project's own files, and what each Python module of it imports."""

from __future__ import annotations

import ast
import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["PACKAGES", "ROOT", "Import", "imports", "module_name", "modules", "tracked_files"]

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("persistproc_core", "persistproc_cli", "persistproc_mcp")


class Import(NamedTuple):
    """One import, at the top of a module or inside a function."""

    module: str
    line: int
    typing_only: bool


def modules() -> list[Path]:
    """Every Python file of the three packages."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    """The dotted name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def imports(path: Path) -> list[Import]:
    """Everything a file imports; relative imports are resolved, ``from a import b`` is a.b when that is a module."""
    return list(_walk(ast.parse(path.read_text("utf-8")), path, typing_only=False))


def _walk(node: ast.AST, path: Path, *, typing_only: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name, node.lineno, typing_only)
    elif isinstance(node, ast.ImportFrom):
        base = _base(node, path)
        for alias in node.names:
            name = f"{base}.{alias.name}"
            yield Import(name if _is_module(name) else base, node.lineno, typing_only)
    elif isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
        for guarded in node.body:
            yield from _walk(guarded, path, typing_only=True)
        for other in node.orelse:
            yield from _walk(other, path, typing_only=typing_only)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, path, typing_only=typing_only)


def _base(node: ast.ImportFrom, path: Path) -> str:
    if not node.level:
        return node.module or ""
    package = path.relative_to(ROOT).parent.parts
    kept = package[: len(package) - (node.level - 1)]
    return ".".join((*kept, *filter(None, [node.module])))


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def tracked_files() -> list[Path]:
    """Every file that git tracks or would: nothing that is ignored."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]
