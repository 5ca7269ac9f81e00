"""The output of all adopted runs, as far as it goes to files: copied into their logs when the kernel tells of news."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread

from ...inotify import Inotify
from ..log import Log
from ..model import Run
from ..tasks import Tasks
from .copier import Copier

__all__ = ["Copying"]

_REST_SECONDS = 0.02
"""Between two looks at files that are written to all the time."""


class Copying:
    """Holds one `Copier` for each file."""

    def __init__(
        self,
        tasks: Tasks,
        log: Log,
        *,
        drain: Callable[[Run], Awaitable[None]],
        write: Callable[[Run], Awaitable[None]],
        keeper: Callable[[], int | None],
    ) -> None:
        """``drain(run)`` has the keeper read its FIFOs, ``write(run)`` writes its record, ``keeper()`` is its pid."""
        self._tasks = tasks
        self._log = log
        self._drain = drain
        self._write = write
        self._keeper = keeper
        self._copiers: dict[str, list[Copier]] = {}
        self._inotify: Inotify | None = None
        self._standing = False

    async def begin(self, run: Run) -> None:
        """Copy what the log lacks, and from now on what comes. For a run that the keeper knows."""
        if self._standing or run.gone.is_set():
            return
        copiers = self._copiers.setdefault(run.run_id, [])
        copiers += [
            Copier(run, file, self._write)
            for file in run.followed
            if all(copier.file.stream != file.stream for copier in copiers)
        ]
        for copier in list(copiers):
            try:
                await anyio.to_thread.run_sync(copier.open, self._keeper())
            except OSError as error:
                self._log.warning("output.unread", run=run.run_id, path=copier.file.path, error=error.strerror)
                continue
            self._watch(copier)
            await copier.align(self._drain)
        await self.catch_up(run)

    async def catch_up(self, run: Run) -> None:
        """Return when all is on its way into the log that the run has written."""
        for copier in self._copiers.get(run.run_id, ()):
            await copier.copy()

    async def end(self, run: Run) -> None:
        """Nothing of the run is left, or it is none of ours any more."""
        await self.catch_up(run)
        for copier in self._copiers.pop(run.run_id, ()):
            await copier.interrupt()
            copier.close()
            self._forget(copier.key)

    async def pause(self) -> None:
        """Leave the logs alone until `resume`; returns when nothing is under way.

        For a daemon that is being replaced: two that copy would write everything twice.
        """
        self._standing = True
        for copier in self._all():
            await copier.interrupt()

    def resume(self) -> None:
        """Go on, from where the logs are by now: another daemon may have copied something."""
        self._standing = False
        for run in {copier.run.run_id: copier.run for copier in self._all()}.values():
            self._tasks.start(self.begin, run)

    def _all(self) -> list[Copier]:
        return [copier for copiers in self._copiers.values() for copier in copiers]

    def _watch(self, copier: Copier) -> None:
        try:
            if self._inotify is None:
                self._inotify = Inotify()
                self._tasks.start(self._listen, self._inotify)
            self._inotify.watch_file(copier.path, copier.key)
        except OSError as error:
            # The user's inotify instances are used up: it is copied at the latest when the run ends.
            self._log.warning("output.unwatched", run=copier.run.run_id, error=error.strerror)

    def _forget(self, key: str) -> None:
        """Watch that file no more, unless another one is copied from it."""
        if self._inotify is not None and not any(other.key == key for other in self._all()):
            self._inotify.forget(key)

    async def _listen(self, inotify: Inotify) -> None:
        try:
            while True:
                await anyio.wait_readable(inotify.fd)
                keys = {change.folder for change in inotify.read()}
                for copier in self._all():
                    if copier.key in keys or "" in keys:
                        await self._tasks.guard(self._look, copier)
                await anyio.sleep(_REST_SECONDS)
        finally:
            inotify.close()

    async def _look(self, copier: Copier) -> None:
        await copier.copy()
        former = copier.key
        try:
            moved = await copier.follow_elsewhere()
        except OSError as error:
            self._log.warning("output.unread", run=copier.run.run_id, path=copier.file.path, error=error.strerror)
            return
        if moved:
            self._forget(former)
            self._watch(copier)
            await copier.copy()
