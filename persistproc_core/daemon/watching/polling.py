"""A folder and all below it, where the kernel does not tell: outside Linux, and where others write the files.

On macOS the system tells (FSEvents). On a file system that another machine writes to (NFS, the folder of the computer
that a virtual machine or a container runs on), and when inotify has no room left, the files are looked at each second.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterable

import anyio
import anyio.to_thread

from ...mounts import mount_of
from .folders import innermost, is_within, nearest_folder
from .ignoring import Ignored

__all__ = ["Polling", "is_written_elsewhere"]

_STEP_MILLISECONDS = 50
_DEBOUNCE_MILLISECONDS = 100
_POLL_MILLISECONDS = 1000
_OF_THE_HOST = frozenset({"9p", "drvfs", "fakeowner", "fuse.grpcfuse", "fuse.osxfs", "prl_fs", "vboxsf", "virtiofs"})


def is_written_elsewhere(path: str) -> bool:
    """Whether files may change there without this kernel knowing."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            mount = mount_of(path, file.read())
    except OSError:
        return False
    return mount is not None and (mount.is_shared or mount.type in _OF_THE_HOST)


class Polling:
    """One folder, watched by `run`."""

    def __init__(self, base: str, named: frozenset[str], *, looks: bool) -> None:
        """``looks``: at all files, each second; else the system is asked to tell."""
        self._base = base
        self._named = named
        self._looks = looks
        self._limiter = anyio.CapacityLimiter(1)

    async def run(self, tell: Callable[[Iterable[str]], None], begun: anyio.Event) -> None:
        """As `tree.Tree.run`."""
        from watchfiles._rust_notify import RustNotify

        stop = threading.Event()
        ignored = await anyio.to_thread.run_sync(Ignored, self._base)
        at = await anyio.to_thread.run_sync(nearest_folder, self._base)
        notify = await anyio.to_thread.run_sync(
            functools.partial(RustNotify, [at], False, self._looks, _POLL_MILLISECONDS, True, True)
        )
        with notify:
            begun.set()
            async with anyio.create_task_group() as group:
                # The thread does not hear of our cancellation, and must be out of it before the watcher is closed.
                group.start_soon(_set_at_the_end, stop)
                while True:
                    changes = await anyio.to_thread.run_sync(
                        notify.watch, _DEBOUNCE_MILLISECONDS, _STEP_MILLISECONDS, 0, stop, limiter=self._limiter
                    )
                    if isinstance(changes, str):
                        continue  # stopped: the cancellation comes with the next wait
                    found = await anyio.to_thread.run_sync(self._counted, ignored, [path for _, path in changes])
                    if found:
                        tell(found)

    def _counted(self, ignored: Ignored, paths: list[str]) -> list[str]:
        ignored.refresh()
        return [path for path in paths if is_within(path, self._base) and not self._skips(ignored, path)]

    def _skips(self, ignored: Ignored, path: str) -> bool:
        below = innermost(path, self._base, self._named)
        return ignored.ignores(path, below, is_folder=os.path.isdir(path))


async def _set_at_the_end(stop: threading.Event) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        stop.set()
