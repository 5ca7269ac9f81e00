"""Restarts processes, or sends them a signal, when a file changes that they watch.

What watches is the process and not its run: one that has crashed is started again by the next change, one that somebody
stopped is not. A restart holds the lock of the process as every verb does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import AsyncExitStack

import anyio
import anyio.to_thread

from ...errors import PersistprocError, ShuttingDown
from ..events.journal import Journal
from ..kernel.age import age_seconds, boot_seconds
from ..kernel.identity import boot_id
from ..log import Log
from ..model import Cause, Process, Run
from ..restarting.starter import PERSISTPROC, Starter
from ..tasks import Tasks
from .loop_guard import LoopGuard
from .patterns import Patterns
from .signalling import Signalling
from .trees import Trees
from .words import changed_words, shown_path

__all__ = ["Watching"]

_QUIET_SECONDS = 0.1
_LONGEST_SECONDS = 1.5
_AT_ONCE_SECONDS = 0.5
"""A file that a process writes because of a signal changes so soon after it; nobody saves one that fast again."""
_BEGUN_SECONDS = 2.0
"""A start waits so long until its files are watched; of a tree that takes longer some changes may be missed."""


class _Watched:
    """A process that watches files."""

    def __init__(self, process: Process, run: Run) -> None:
        self.process = process
        self.directory = run.working_directory
        self.watch = run.settings.watch
        self.scope = anyio.CancelScope()
        self.begun = anyio.Event()
        self.news = anyio.Event()
        self.changes: dict[str, float] = {}
        """Paths, and when they were told of, in seconds since boot."""
        self.guard = LoopGuard()
        self.guard_of_signals = LoopGuard(_AT_ONCE_SECONDS)
        self.signalled = -math.inf
        """When a signal was sent, in seconds since boot."""
        self.problem = ""
        """Why it cannot be watched."""

    def is_for(self, run: Run) -> bool:
        return (self.directory, self.watch) == (run.working_directory, run.settings.watch)

    def fail(self, problem: str) -> None:
        self.problem = problem
        self.news.set()

    def forget_before(self, seconds: float) -> None:
        """What changed before that moment has been seen by the run that was started then."""
        self.changes = {path: time for path, time in self.changes.items() if time >= seconds}
        if not self.changes:
            self.news = anyio.Event()


class Watching:
    """All that is watched. Nothing is before `open`."""

    def __init__(self, tasks: Tasks, log: Log, journal: Journal, signalling: Signalling) -> None:
        self._tasks = tasks
        self._log = log
        self._journal = journal
        self._signalling = signalling
        self._trees = Trees(tasks, log)
        self._watched: dict[Process, _Watched] = {}
        self._left_alone: dict[Process, Run] = {}
        """Runs that write what they watch."""
        self._starter: Starter | None = None

    def open(self, starter: Starter, processes: Iterable[Process]) -> None:
        """Watch for those that are there, and for all that begin from now on."""
        self._starter = starter
        for process in processes:
            self.changed(process)

    def changed(self, process: Process) -> None:
        """It has another run, its run has ended, or it was removed. Never blocks."""
        if self._starter is None:
            return
        watched = self._watched.get(process)
        run = process.current if _is_wanted(process) else None
        if self._left_alone.get(process, run) is not run:
            del self._left_alone[process]
        elif process in self._left_alone:
            run = None
        if watched is not None and (run is None or not watched.is_for(run)):
            watched.scope.cancel()
            del self._watched[process]
            watched = None
        if watched is None and run is not None:
            watched = self._watched[process] = _Watched(process, run)
            self._tasks.start(self._watch, watched)

    async def begun(self, process: Process) -> None:
        """Return when no change is missed any more, or when that takes too long."""
        watched = self._watched.get(process)
        if watched is not None:
            with anyio.move_on_after(_BEGUN_SECONDS):
                await watched.begun.wait()

    async def _watch(self, watched: _Watched) -> None:
        with watched.scope:
            try:
                patterns = await anyio.to_thread.run_sync(Patterns, watched.directory, watched.watch)

                def tell(paths: Iterable[str]) -> None:
                    at = boot_seconds()
                    counted = [path for path in paths if patterns.matches(path)]
                    watched.changes.update(dict.fromkeys(counted, at))
                    if counted:
                        watched.news.set()

                async with AsyncExitStack() as stack:
                    for base, named in patterns.trees:
                        await stack.enter_async_context(self._trees.watched(base, named, tell, watched.fail))
                    watched.begun.set()
                    await self._obey(watched)
            finally:
                watched.begun.set()
                if self._watched.get(watched.process) is watched:
                    del self._watched[watched.process]

    async def _obey(self, watched: _Watched) -> None:
        while True:
            if not watched.problem:
                await watched.news.wait()
                await _quiet(watched)
            process = watched.process
            async with process.lock:
                changes, watched.changes, watched.news = watched.changes, {}, anyio.Event()
                # Whoever held the lock may have stopped it, or restarted it after the change.
                if not _is_wanted(process):
                    return
                if watched.problem:
                    self._leave_alone(process, process.runs[-1], watched.problem)
                    return
                if changes and not await self._act(watched, process.runs[-1], changes):
                    return

    async def _act(self, watched: _Watched, run: Run, changes: dict[str, float]) -> bool:
        """Do what was asked for; the lock is held. False: and watch no more."""
        paths = list(changes)
        words = changed_words(paths, run.working_directory)
        signal = run.settings.watch_signal if run.live else None
        if signal is not None:
            culprit = watched.guard_of_signals.looks_like_one(paths, min(changes.values()) - watched.signalled)
        else:
            seconds = age_seconds(run.identity) if run.identity is not None else 0.0
            culprit = watched.guard.looks_like_one(paths, seconds)
        if culprit is not None:
            self._leave_loop(watched.process, run, shown_path(culprit, run.working_directory))
            return False
        if signal is not None:
            watched.signalled = boot_seconds()
            await self._signalling.send(watched.process, run, signal, words)
        else:
            await self._restart(watched, run, words)
        return True

    async def _restart(self, watched: _Watched, run: Run, words: str) -> None:
        process = watched.process
        assert self._starter is not None
        self._log.info("watch.changed", run=run.run_id, reason=words)
        try:
            await self._starter.again(process, run, Cause("restarted", PERSISTPROC, words), 0)
        except ShuttingDown:
            return
        except Exception as error:
            # The daemon's own defects too: the next change is to find somebody who listens.
            if not isinstance(error, PersistprocError):
                self._log.exception("watch.failed", error, run=run.run_id)
            problem = error.message if isinstance(error, PersistprocError) else "see the daemon's log"
            words = f"not restarted: {words}, but {problem}"
            run.reason = f"{run.reason or run.state}; {words}"
            self._journal.tell("configured", process, run, by=PERSISTPROC, reason=words)
            return
        new = process.runs[-1]
        if new.identity is not None:
            watched.forget_before(boot_seconds() - age_seconds(new.identity))

    def _leave_loop(self, process: Process, run: Run, path: str) -> None:
        after = "signal" if run.settings.watch_signal is not None else "start"
        self._log.warning("watch.loop", run=run.run_id, path=path)
        words = f"{path} changed many times in a row in the same moment after the {after}"
        self._leave_alone(process, run, f"{words}; if {process.name} writes it itself, take it out (!{path})")

    def _leave_alone(self, process: Process, run: Run, why: str) -> None:
        words = f"no longer watched: {why}"
        self._left_alone[process] = run
        run.reason = f"{run.reason or run.state}; {words}"
        self._journal.tell("configured", process, run, by=PERSISTPROC, reason=words)


async def _quiet(watched: _Watched) -> None:
    """Saving all files of an editor, or a checkout of git, is one change."""
    with anyio.move_on_after(_LONGEST_SECONDS):
        while True:
            watched.news = anyio.Event()
            with anyio.move_on_after(_QUIET_SECONDS) as quiet:
                await watched.news.wait()
            if quiet.cancelled_caught:
                return


def _is_wanted(process: Process) -> bool:
    """Live, or ended by itself: what somebody stopped stays down."""
    run = process.current
    if run is None or process.removed or run.foreign or not run.settings.watch:
        return False
    if run.live:
        return run.state != "stopping"
    by_itself = run.stop is None and run.state != "stopped"
    # Or it was ended for another run, which comes in a moment, or could not be started.
    return run.boot_id == boot_id() and (by_itself or (run.stop is not None and run.stop.verb == "restarted"))
