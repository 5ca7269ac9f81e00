"""When each process was used last.

A use is what somebody does with a process: reading its output (also waiting for it, or following it), typing into it,
resizing its terminal, sending it a signal, starting it although it runs, being connected to a port of it. Looking at
the list or the status is none, and nothing that the daemon does by itself is.

For people the time of the last use is told on the wall clock. Rules count on CLOCK_MONOTONIC: it cannot be set, and
stands still while the machine sleeps, when nobody could use anything.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from ..clock import rfc3339
from ..model import Process
from ..registry import Registry
from .leases import age

__all__ = ["Uses"]


class _Use:
    """Of one process."""

    __slots__ = ("now", "since", "wall_ns")

    def __init__(self, since: float) -> None:
        self.since = since
        """From when on it is unused (CLOCK_MONOTONIC)."""
        self.wall_ns: int | None = None
        """When somebody used it last; None: nobody yet, as far as was seen."""
        self.now = 0
        """How many are using it."""


class Uses:
    """Remembers the last use of each process."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        # What was before our time is not known: nothing counts as unused for longer than we have been there.
        self._began = time.monotonic()
        self._uses: WeakKeyDictionary[Process, _Use] = WeakKeyDictionary()

    def _of(self, process: Process) -> _Use:
        use = self._uses.get(process)
        if use is None:
            use = self._uses[process] = _Use(self._began)
        return use

    def used(self, process: Process, seconds_ago: float = 0.0) -> None:
        """Somebody used it."""
        use = self._of(process)
        use.since = max(use.since, time.monotonic() - seconds_ago)
        wall = time.time_ns() - round(seconds_ago * 1_000_000_000)
        # The later one; but a clock that was set back must not leave a time in the future.
        use.wall_ns = wall if use.wall_ns is None or not wall < use.wall_ns <= time.time_ns() else use.wall_ns

    def begun(self, process: Process) -> None:
        """Somebody started it, or said how long it may be unused: the time counts from now, but that is no use."""
        self._of(process).since = time.monotonic()

    @contextmanager
    def using(self, process: Process) -> Iterator[None]:
        """Somebody uses it as long as the block lasts."""
        use = self._of(process)
        use.now += 1
        self.used(process)
        try:
            yield
        finally:
            use.now -= 1
            self.used(process)

    def excuse(self, process: Process, seconds: float) -> None:
        """So long we were stopped ourselves (SIGSTOP): nobody could use it through us."""
        use = self._of(process)
        use.since = min(use.since + seconds, time.monotonic())

    def unused_seconds(self, process: Process) -> float:
        """For how long nobody has used it, as far as is known; 0 while somebody does."""
        use = self._uses.get(process)
        if use is not None and use.now:
            return 0.0
        unused = max(0.0, time.monotonic() - (self._began if use is None else use.since))
        run = process.current
        ran = age(run) if run is not None else None
        return unused if ran is None else min(unused, ran)

    def last_used_at(self, process: Process) -> str | None:
        """RFC 3339; None when nobody was seen to use it."""
        use = self._uses.get(process)
        if use is None or (use.wall_ns is None and not use.now):
            return None
        return rfc3339(time.time_ns() if use.now or use.wall_ns is None else use.wall_ns)

    # --- for the daemon that takes our place --------------------------------------------------------------------------

    def give(self) -> dict[str, list[float | None]]:
        """By the id of the newest run: unused since when (CLOCK_MONOTONIC, s), and the last use (wall clock, s)."""
        given: dict[str, list[float | None]] = {}
        for process, use in self._uses.items():
            run = process.current
            if run is not None:
                if use.now:
                    self.used(process)
                given[run.run_id] = [use.since, None if use.wall_ns is None else use.wall_ns / 1e9]
        given[""] = [self._began, None]
        return given

    def take(self, given: object) -> None:
        """What `give` of the former daemon gave. Entries that are none are left out."""
        if not isinstance(given, dict):
            return
        for run_id, value in given.items():
            if not (isinstance(value, list) and len(value) == 2 and isinstance(value[0], (int, float))):
                continue
            if run_id == "":
                self._began = min(self._began, value[0])
                continue
            found = self._registry.run(run_id) if isinstance(run_id, str) else None
            if found is not None:
                use = self._of(found[0])
                use.since = min(float(value[0]), time.monotonic())
                use.wall_ns = round(value[1] * 1e9) if isinstance(value[1], (int, float)) else None
