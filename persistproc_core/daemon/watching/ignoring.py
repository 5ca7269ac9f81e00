"""What git ignores (gitignore(5)), and what no tool writes for anybody to read.

The rules are read from the files; git is not asked: a repository's own configuration can have git run programs, and
looking at files must run nothing.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple

from ...project_file.read_text import open_at_once
from ...project_file.root import nearest_with
from .folders import is_within

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

__all__ = ["Ignored"]

_NEVER = frozenset({".git", ".hg", ".jj", ".svn"})
# Where nothing else is said: what programs make beside sources when they run, and what editors make while they save.
_NOISE = (
    "__pycache__/",
    "*.py[co]",
    ".venv/",
    "node_modules/",
    ".mypy_cache/",
    ".pytest_cache/",
    ".ruff_cache/",
    "*~",
    ".*.sw[a-p]",
    "4913",
    ".#*",
    "#*#",
    "*___jb_tmp___",
    "*___jb_old___",
    ".DS_Store",
)
_MOST_TEXT = 1_000_000
_EXCLUDES_FILE = re.compile(r"^\s*excludesfile\s*=\s*\"?([^\"\n]+?)\"?\s*$", re.MULTILINE | re.IGNORECASE)


class _Rules(NamedTuple):
    stamp: tuple[int, int] | None
    spec: GitIgnoreSpec


class Ignored:
    """What is ignored around one folder. All calls read files; not for the event loop."""

    def __init__(self, folder: str) -> None:
        """``folder``: where somebody watches; absolute, without symbolic links."""
        self._top, git = _work_tree(folder)
        self._common = [_spec(list(map(_escaped, _NOISE))), *(_read(path).spec for path in _excludes_files(git))]
        self._rules: dict[str, _Rules] = {}
        self._looked_at: set[str] = set()
        """The folders whose rules are those of now."""

    def refresh(self) -> None:
        """From now on the rules count as they are now; each file of rules is looked at when it is asked for."""
        self._looked_at.clear()

    def ignores(self, path: str, below: str, *, is_folder: bool = False) -> bool:
        """Whether the file, or a folder on the way to it from ``below``, is ignored."""
        if not path.startswith(below.rstrip("/") + "/"):
            return False
        at = below.rstrip("/")
        names = path[len(at) + 1 :].split("/")
        for index, name in enumerate(names):
            if name in _NEVER or self._matches(at, name, is_folder=is_folder or index < len(names) - 1):
                return True
            at = f"{at}/{name}"
        return False

    def _matches(self, folder: str, name: str, *, is_folder: bool) -> bool:
        """The last rule of the nearest file of rules that says anything of it (gitignore(5))."""
        path = f"{folder}/{name}" + ("/" if is_folder else "")
        at = folder or "/"
        while True:
            said = _said(self._of(at), path[len(at.rstrip("/")) + 1 :])
            if said is not None:
                return said
            if at == self._top or at == "/" or not is_within(at, self._top):
                break
            at = os.path.dirname(at)
        top = self._top.rstrip("/")
        relative = path[len(top) + 1 :] if path.startswith(f"{top}/") else path.lstrip("/")
        for spec in reversed(self._common):
            said = _said(spec, relative)
            if said is not None:
                return said
        return False

    def _of(self, folder: str) -> GitIgnoreSpec:
        if folder not in self._looked_at:
            path, known = os.path.join(folder, ".gitignore"), self._rules.get(folder)
            if known is None or known.stamp != _stamp(path):
                self._rules[folder] = _read(path)
            self._looked_at.add(folder)
        return self._rules[folder].spec


def _said(spec: GitIgnoreSpec, path: str) -> bool | None:
    """What the rules say of a path itself; None when they say nothing of it, or only of a folder that it is in."""
    if not spec.patterns:
        return None  # as of most folders
    found = spec.check_file(path)
    folder = os.path.dirname(path.rstrip("/"))
    if found.include and folder:
        of_folder = spec.check_file(f"{folder}/")
        if of_folder.include and of_folder.index == found.index:
            return None
    return found.include


def _work_tree(folder: str) -> tuple[str, str | None]:
    """The root of the git work tree and its git directory; without one the folder itself."""
    root = nearest_with(folder, ".git")
    return (folder, None) if root is None else (root, os.path.join(root, ".git"))


def _excludes_files(git: str | None) -> list[str]:
    """The rules of the user and of the repository, the weakest first (gitignore(5))."""
    home = os.path.expanduser("~")
    configured = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    user = os.path.join(configured, "git", "ignore")
    for config in (os.path.join(home, ".gitconfig"), os.path.join(configured, "git", "config")):
        said = _EXCLUDES_FILE.search(_text(config))
        if said:
            user = os.path.expanduser(said[1])
            break
    return [user] if git is None else [user, os.path.join(git, "info", "exclude")]


def _read(path: str) -> _Rules:
    return _Rules(_stamp(path), _spec(_text(path).splitlines()))


def _spec(lines: list[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    specs: list[str] = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue  # git passes over what is no pattern as well
        specs.append(line)
    return GitIgnoreSpec.from_lines(specs)


def _escaped(line: str) -> str:
    return f"\\{line}" if line.startswith("#") else line


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _text(path: str) -> str:
    try:
        # A FIFO of that name would keep whoever opens it, and with him the daemon at its end, for ever.
        with open(path, encoding="utf-8", errors="surrogateescape", opener=open_at_once) as file:
            return file.read(_MOST_TEXT) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else ""
    except OSError:
        return ""
