"""A power cut, played through: what a disk may hold after each step of what the store did to it.

The steps are recorded as the store takes them. A disk keeps for certain what was synced (fsync(2)): the bytes of a
file, the names in a folder. Of what was not, it may have anything from nothing to all: names come to it in the order in
which they were changed, the bytes of a file to any length. Each of these disks is built, to be loaded from.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from persistproc_core.daemon import replaced_file, store

__all__ = ["Disk", "Recorder"]


class _Step(NamedTuple):
    """One thing done to the disk."""

    verb: str
    """``mkdir``, ``sync`` (of a file), ``sync_folder``, ``rename``, ``link``, ``remove``."""
    path: str
    other: str = ""
    content: bytes = b""
    """Of a file that is synced, renamed or linked: as a reader would find it at that moment."""


class Disk(NamedTuple):
    """A disk that may be found after the cut."""

    folders: frozenset[str]
    files: dict[str, bytes]

    def build(self, root: Path) -> None:
        """Put it there; nothing else is there then."""
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        for folder in sorted(self.folders):
            os.makedirs(root / folder, exist_ok=True)
        for path, content in self.files.items():
            if os.path.dirname(path) in self.folders | {""}:
                (root / path).write_bytes(content)


class _Names:
    """Folders, and files by what they hold: synced bytes, or all lengths that are possible."""

    def __init__(self) -> None:
        self.folders: set[str] = set()
        self.files: dict[str, tuple[bytes, ...]] = {}

    def apply(self, step: _Step, content: tuple[bytes, ...]) -> None:
        """Change the names as the step does."""
        if step.verb == "mkdir":
            self.folders.add(step.path)
        elif step.verb in ("rename", "link"):
            if step.path in self.folders:
                self._move_folder(step.path, step.other)
            else:
                self.files[step.other] = content
                if step.verb == "rename":
                    self.files.pop(step.path, None)
        elif step.verb == "remove":
            self.folders.discard(step.path)
            self.files = {path: kept for path, kept in self.files.items() if os.path.dirname(path) != step.path}

    def _move_folder(self, old: str, new: str) -> None:
        self.folders.discard(old)
        self.folders.add(new)
        for path in [path for path in self.files if os.path.dirname(path) == old]:
            self.files[os.path.join(new, os.path.basename(path))] = self.files.pop(path)

    def disks(self) -> Iterator[Disk]:
        """Each length of what was not synced."""
        choices = max((len(contents) for contents in self.files.values()), default=1)
        for choice in range(choices):
            files = {path: contents[min(choice, len(contents) - 1)] for path, contents in self.files.items()}
            yield Disk(frozenset(self.folders), files)


class Recorder:
    """Notes what the store does below a folder, while it does it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self._root = str(root)
        self._paths: dict[int, str] = {}
        self.steps: list[_Step] = []
        recorded = type("RecordedOs", (), {name: staticmethod(getattr(os, name)) for name in dir(os) if name[0] != "_"})
        recorded.path = os.path  # type: ignore[attr-defined]
        for name in ("open", "mkdir", "rename", "link", "fsync"):
            setattr(recorded, name, staticmethod(getattr(self, f"_{name}")))
        for module in (store, replaced_file):
            monkeypatch.setattr(module, "os", recorded)

    def _of(self, path: str) -> str:
        return os.path.relpath(path, self._root)

    def _open(self, path: str, flags: int, mode: int = 0o777) -> int:
        fd = os.open(path, flags, mode)
        self._paths[fd] = path
        return fd

    def _mkdir(self, path: str, mode: int = 0o777) -> None:
        os.mkdir(path, mode)
        self.steps.append(_Step("mkdir", self._of(path)))

    def _rename(self, old: str, new: str) -> None:
        content = Path(old).read_bytes() if os.path.isfile(old) else b""
        os.rename(old, new)
        self.steps.append(_Step("rename", self._of(old), self._of(new), content))

    def _link(self, old: str, new: str) -> None:
        os.link(old, new)
        self.steps.append(_Step("link", self._of(old), self._of(new), Path(old).read_bytes()))

    def _fsync(self, fd: int) -> None:
        os.fsync(fd)
        path = self._paths[fd]
        if os.path.isdir(path):
            self.steps.append(_Step("sync_folder", self._of(path)))
        else:
            self.steps.append(_Step("sync", self._of(path), content=Path(path).read_bytes()))

    def disks(self, moment: int) -> Iterator[Disk]:
        """What may be found when the power was cut after that many steps."""
        steps = self.steps[:moment]
        synced = {step.content for step in steps if step.verb == "sync"}
        names: list[_Step] = []
        least = 0
        for step in steps:
            if step.verb == "sync_folder":
                changed = [(os.path.dirname(name.other or name.path) or ".") == step.path for name in names]
                least = max([least, *(place for place, here in enumerate(changed, 1) if here)])
            elif step.verb != "sync":
                names.append(step)
        for reached in range(least, len(names) + 1):
            found = _Names()
            for step in names[:reached]:
                whole = step.content
                found.apply(step, (whole,) if whole in synced else (b"", whole[: len(whole) // 2], whole))
            yield from found.disks()
