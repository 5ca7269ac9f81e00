"""A folder and all below it, as the kernel tells of it (inotify(7)): nothing is asked while nothing happens.

What is ignored is not entered at all: the folder of a package manager may hold fifty thousand others.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

import anyio
import anyio.to_thread

from ...inotify import Change, Inotify
from .folders import innermost, is_within, nearest_folder
from .ignoring import Ignored

__all__ = ["MOST_FOLDERS", "TooManyFolders", "Tree", "TreeTooLarge"]

MOST_FOLDERS = 20_000
"""More than any sources have. A home directory or ``/`` would take the user's watches away from all other programs."""

_Result = TypeVar("_Result")

_NO_ROOM = frozenset({errno.ENOSPC, errno.ENOMEM, errno.EMFILE, errno.ENFILE})


class TreeTooLarge(OSError):
    """The user's inotify watches or instances are used up (inotify(7), /proc interfaces)."""


class TooManyFolders(OSError):
    """It holds more than `MOST_FOLDERS`; looking at all of them each second is no way out either."""


class Tree:
    """One folder, watched by `run`."""

    def __init__(self, base: str, named: frozenset[str], most_folders: int = MOST_FOLDERS) -> None:
        """``named``: paths in it that are looked at although they are ignored. All are absolute, without links."""
        self._base = base
        self._named = named
        self._most_folders = most_folders
        self._ignored: Ignored
        self._waits = False
        """True while the base is not there and only the folder is watched in which it may come."""
        self._over = threading.Event()
        self._walk = threading.Lock()

    async def run(self, tell: Callable[[Iterable[str]], None], begun: anyio.Event) -> None:
        """Tell the paths of files that were written, made, moved or deleted; for ever.

        ``begun`` is set when nothing is missed any more. Raises `TreeTooLarge`, `TooManyFolders`, and `OSError` where
        there is no inotify.
        """
        inotify = _open()
        try:
            await self._in_thread(partial(self._begin, inotify))
            begun.set()
            while True:
                await anyio.wait_readable(inotify.fd)
                changes = inotify.read()
                found = await self._in_thread(partial(self._take, inotify, changes))
                if found:
                    tell(found)
        finally:
            self._over.set()
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._close, inotify)

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        """A walk may take seconds, and a thread does not hear of our cancellation: it looks at a flag instead."""
        return await anyio.to_thread.run_sync(self._walked, work, abandon_on_cancel=True)

    # --- what follows runs in a thread --------------------------------------------------------------------------------

    def _walked(self, work: Callable[[], _Result]) -> _Result:
        with self._walk:
            if self._over.is_set():
                raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))  # nobody hears of it
            return work()

    def _close(self, inotify: Inotify) -> None:
        # A thread that was left in the middle must not use a descriptor that is somebody else's by now.
        with self._walk:
            inotify.close()

    def _begin(self, inotify: Inotify) -> None:
        self._ignored = Ignored(self._base)
        self._watch_base(inotify)

    def _watch_base(self, inotify: Inotify) -> list[str]:
        """Watch the base, or else the nearest folder that is there. The files in the base."""
        if os.path.isdir(self._base):
            self._waits = False
            return self._enter(inotify, self._base)
        self._waits = True
        _watch(inotify, nearest_folder(self._base))
        # It may have come between the two.
        return self._watch_base(inotify) if os.path.isdir(self._base) else []

    def _enter(self, inotify: Inotify, folder: str) -> list[str]:
        """Watch a folder and those in it; all files there. Watched first and read then: nothing is missed between."""
        files: list[str] = []
        todo: list[tuple[str, str | None]] = [(folder, None)]
        while todo and not self._over.is_set():
            at, entered = todo.pop()
            if not _watch(inotify, at):
                continue
            if inotify.count > self._most_folders:
                words = f"it holds more than {self._most_folders} folders that git does not ignore"
                raise TooManyFolders(errno.E2BIG, words)
            for entry in _entries(at):
                if self._over.is_set():
                    break
                is_folder = _is_folder(entry)
                if self._skips(entry.path, is_folder=is_folder, below=entered):
                    continue
                if is_folder:
                    # Of what is in there only its own name is looked at: the way to it was, and large trees are deep.
                    todo.append((entry.path, None if self._is_on_the_way(entry.path) else entry.path))
                else:
                    files.append(entry.path)
        return files

    def _is_on_the_way(self, folder: str) -> bool:
        """To what is named, and so perhaps ignored itself."""
        return any(is_within(named, folder) for named in self._named)

    def _skips(self, path: str, *, is_folder: bool, below: str | None = None) -> bool:
        """``below``: a folder on the way that is known not to be ignored."""
        if is_folder and self._is_on_the_way(path):
            return False
        below = below or innermost(path, self._base, self._named)
        return self._ignored.ignores(path, below, is_folder=is_folder)

    def _take(self, inotify: Inotify, changes: list[Change]) -> list[str]:
        self._ignored.refresh()
        found: dict[str, None] = {}
        for change in changes:
            found.update(dict.fromkeys(self._of(inotify, change)))
        if self._waits:
            found.update(dict.fromkeys(self._watch_base(inotify)))
        return list(found)

    def _of(self, inotify: Inotify, change: Change) -> list[str]:
        if not change.folder:
            return self._enter_again(inotify)
        if not change.name:
            self._waits = self._waits or change.folder == self._base
            return []
        path = os.path.join(change.folder, change.name)
        if not is_within(path, self._base):
            return []
        if change.what == "folder":
            return [] if self._skips(path, is_folder=True) else self._enter(inotify, path)
        if change.what == "gone":
            _leave(inotify, path)
        elif change.what == "made" and not _is_link(path):
            return []  # it is told again once it has been written
        return [] if self._skips(path, is_folder=False) else [path]

    def _enter_again(self, inotify: Inotify) -> list[str]:
        """The kernel could not keep up: what has changed nobody knows, so all may have."""
        for folder in inotify.folders:
            inotify.forget(folder)
        return self._watch_base(inotify)


def _open() -> Inotify:
    try:
        return Inotify()
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise TreeTooLarge(error.errno, error.strerror) from None
        raise


def _watch(inotify: Inotify, folder: str) -> bool:
    """False when it is no folder any more, or not ours to read."""
    try:
        inotify.watch(folder, gains=True)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise TreeTooLarge(error.errno, error.strerror) from None
        return False
    return True


def _leave(inotify: Inotify, path: str) -> None:
    """It was deleted or moved away; if it was a folder, what happens in it there is nobody's business."""
    if inotify.watches(path):
        for folder in inotify.folders:
            if is_within(folder, path):
                inotify.forget(folder)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _is_link(path: str) -> bool:
    """A symbolic link, or one more name of a file: nothing is written when those are made."""
    try:
        return os.path.islink(path) or os.lstat(path).st_nlink > 1
    except OSError:
        return False
