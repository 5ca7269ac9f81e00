"""Which files a process watches: patterns as in .gitignore(5), where what matches is in and ``!`` takes out again.

Each pattern counts from the directory of the process; one that begins with ``../`` from a folder above it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ...errors import InvalidParams
from .folders import is_within

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

__all__ = ["Patterns", "check_patterns"]

_WILD = frozenset("*?[\\")


class _Pattern(NamedTuple):
    root: str
    """Where it counts from; absolute."""
    base: str
    """The folder below which all lies that it can match; absolute."""
    named: str
    """The path that it names outright, up to its first wildcard; absolute."""
    takes_out: bool
    spec: GitIgnoreSpec


class Patterns:
    """The patterns of one process."""

    def __init__(self, directory: str, patterns: Sequence[str]) -> None:
        """``directory``: of the process, absolute and without symbolic links. Reads links: not for the event loop.

        Raises `InvalidParams`.
        """
        self._patterns = [_parse(directory, pattern) for pattern in patterns]
        self.trees = self._trees()
        """The folders to watch, with all below them, and of each the paths in it that a pattern names outright.

        What is named outright counts whatever git ignores: ``dist/**`` is said by whoever wants just that. Below it,
        and everywhere for a pattern that begins with a wildcard, git's rules hold. None of the folders lies in another
        one, unless there is a symbolic link on the way, which nobody follows; they need not be there.
        """

    def _trees(self) -> list[tuple[str, frozenset[str]]]:
        wanted = [pattern for pattern in self._patterns if not pattern.takes_out]
        bases: list[str] = []
        for base in sorted({pattern.base for pattern in wanted}, key=lambda base: base.split("/")):
            if not any(_is_reached(base, above) for above in bases):
                bases.append(base)
        return [(base, frozenset(each.named for each in wanted if is_within(each.named, base))) for base in bases]

    def matches(self, path: str) -> bool:
        """Whether the file counts, by its name. The last pattern that matches it decides."""
        for pattern in reversed(self._patterns):
            if is_within(path, pattern.root) and pattern.spec.match_file(os.path.relpath(path, pattern.root)):
                return not pattern.takes_out
        return False


def check_patterns(patterns: Sequence[str]) -> None:
    """Raise `InvalidParams` for one that matches nothing, and when all of them take out. Not for the event loop."""
    parsed = [_parse("/", pattern) for pattern in patterns]
    if parsed and all(pattern.takes_out for pattern in parsed):
        raise InvalidParams(
            "all patterns of watch take files out", hint="say first which count: src/**/*.py, then !src/generated/"
        )


def _parse(directory: str, text: str) -> _Pattern:
    from pathspec import GitIgnoreSpec  # 60 ms, which a daemon without watched files need not pay for

    takes_out = text.startswith("!")
    root, rest = directory, text[1:] if takes_out else text
    if rest.startswith("~/"):
        # A folder of that name would be watched, which nobody has.
        raise InvalidParams(
            f"watch: {text!r} is not filled in", hint="patterns count from the process's directory: ../lib"
        )
    anchored = False
    while rest.startswith(("./", "../")):
        up, _, rest = rest.partition("/")
        rest, anchored = rest.lstrip("/"), True
        root = os.path.dirname(root) if up == ".." else root
    line = f"/{rest}" if anchored else rest
    if line.startswith("#"):
        line = f"\\{line}"  # a comment in .gitignore, and a file's name here
    try:
        spec = GitIgnoreSpec.from_lines([line])
    except ValueError:
        spec = GitIgnoreSpec.from_lines([])
    if not any(pattern.include for pattern in spec.patterns):
        raise InvalidParams(f"watch: {text!r} matches nothing", hint="for example src/**/*.py, *.html, !src/generated/")
    named, base = _outright(root, line)
    return _Pattern(root, base, named, takes_out, spec)


def _outright(root: str, line: str) -> tuple[str, str]:
    """What a line names before its first wildcard, and the folder that holds all it can match."""
    inner = line.strip("/")
    if "/" not in line.rstrip("/"):
        # Such a name counts in every folder.
        return (os.path.join(root, inner) if not _WILD & set(inner) else root), root
    plain: list[str] = []
    words = inner.split("/")
    for word in words:
        if _WILD & set(word):
            break
        plain.append(word)
    named = os.path.join(root, *plain)
    whole = len(plain) == len(words) and not line.endswith("/")
    return named, os.path.dirname(named) if whole else named


def _is_reached(path: str, folder: str) -> bool:
    """Whether whoever watches the folder and all below it, but follows no link, gets to the path."""
    if not is_within(path, folder):
        return False
    below = os.path.relpath(path, folder)
    return os.path.realpath(path) == os.path.normpath(os.path.join(os.path.realpath(folder), below))
