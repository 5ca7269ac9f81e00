"""One subscription to output: a track for each process, one of which sends at a time."""

from __future__ import annotations

from collections.abc import Callable

import anyio
from anyio.abc import TaskGroup

from ..events.journal import Entry, Journal
from ..model import Process
from ..registry import Registry
from ..usage.uses import Uses
from .connection import Deliver
from .notifications import Notifications
from .track import Track

__all__ = ["Follow"]

_REMOVED = "every process that it named was removed"


class Follow:
    """Follows the processes that it was given, and with ``scope`` those that are started later and that it accepts."""

    def __init__(
        self,
        tracks: list[Track],
        sequence: int,
        *,
        registry: Registry,
        journal: Journal,
        uses: Uses,
        scope: Callable[[Process], bool] | None,
        begin: Callable[[Process, Entry], Track | None],
    ) -> None:
        """``sequence`` is that of the newest event when it began; ``begin`` makes the track of a new process."""
        self._tracks = {track.process: track for track in tracks}
        self._sequence = sequence
        self._registry = registry
        self._journal = journal
        self._uses = uses
        self._scope = scope
        self._begin = begin
        # Each track reads only when its turn comes: a reader that is slow holds one message, however many they are.
        self._turn = anyio.Lock(fast_acquire=True)
        self._group: TaskGroup
        self._out: Notifications
        self._failure: Exception | None = None
        self._quit = anyio.Event()

    async def serve(self, name: str, deliver: Deliver) -> str | None:
        """Tell until everything named was removed, or the daemon ends (None). Raises `PeerGone`."""
        self._out = Notifications(name, deliver)
        async with anyio.create_task_group() as self._group:
            for track in self._tracks.values():
                self._group.start_soon(self._follow, track, None)
            self.take_news(self._journal.after(self._sequence).entries)
            if self._scope is not None:
                await self._quit.wait()
        if self._failure is not None:
            raise self._failure
        return None if self._quit.is_set() else _REMOVED

    async def _follow(self, track: Track, former: Track | None) -> None:
        # Caught here: out of a task group it would come as one of a group.
        try:
            if former is not None:
                await former.done.wait()
            with self._uses.using(track.process):
                await track.follow(self._turn, self._out)
        except Exception as error:
            self._failure = error
            self._group.cancel_scope.cancel()
        finally:
            self._tracks.pop(track.process, None)
            track.done.set()

    def take_news(self, entries: list[Entry]) -> None:
        """Events have happened. Never blocks."""
        for entry in entries:
            for track in self._tracks.values():
                if entry.is_of(track.process.project_directory, track.process.name):
                    track.ring()
            if self._scope is not None and entry.kind == "started":
                self._take_new(entry, self._scope)

    def _take_new(self, entry: Entry, scope: Callable[[Process], bool]) -> None:
        found = self._registry.run(entry.run_id)
        if found is None or found[0] in self._tracks or not scope(found[0]):
            return
        track = self._begin(found[0], entry)
        if track is not None:
            former = [
                each for each in self._tracks.values() if entry.is_of(each.process.project_directory, each.process.name)
            ]
            self._tracks[found[0]] = track
            # One that was removed under this name is told to its end first: they share their cursors' key.
            self._group.start_soon(self._follow, track, former[-1] if former else None)

    def quit(self) -> None:
        """End when everything up to now is told."""
        self._quit.set()
        for track in self._tracks.values():
            track.quitting = True
            track.ring()
