"""What the daemon makes of the records and of what the keeper holds: at its start, and when a keeper was replaced."""

from __future__ import annotations

import anyio
import anyio.to_thread

from ..project_file.root import project_root
from .adoption import Marked, find_marked
from .clock import now
from .keeper import KeptRun
from .kernel.identity import Identity, boot_id, identity_of
from .lifecycle import Lifecycle
from .log import Log
from .model import Process, Run
from .rebuild import noted, rebuild
from .registry import Registry
from .store import Store
from .tasks import Tasks
from .words.names import free_name

__all__ = ["Recovery"]


class Recovery:
    """Brings the registry, the keeper's table and the kernel's into agreement."""

    def __init__(self, tasks: Tasks, log: Log, disk: Store, registry: Registry, lifecycle: Lifecycle) -> None:
        self._tasks = tasks
        self._log = log
        self._disk = disk
        self._registry = registry
        self._lifecycle = lifecycle

    async def load(self) -> None:
        """Read the records of former lives."""
        records, problems = await anyio.to_thread.run_sync(self._disk.load)
        for problem in problems:
            self._log.warning("record.unreadable", problem=problem)
        for run_id in self._disk.newer:
            self._log.warning("record.newer", run=run_id, problem="of a newer version of persistproc: left alone")
        for record in records:
            process = self._registry.get(record.project_directory, record.name)
            if process is None:
                process = Process(
                    record.name, record.project_directory, record.run.command, record.run.working_directory
                )
                self._registry.add(process)
            process.command = record.run.command
            process.working_directory = record.run.working_directory
            record.run.found_before = process.options, process.protection
            process.protection = record.protection
            process.options = record.options
            self._registry.add_run(process, record.run)
            if not record.run.live:
                self._lifecycle.journal.found_ended(process, record.run)

    async def reconcile(self, kept: list[KeptRun]) -> None:
        """Go through all runs that are not known to be gone, with the keeper's list at hand."""
        marked = await self._look_for_markers()
        held = {run.run_id: run for run in kept}
        known = {run.run_id for _, run in self._registry.runs()} | self._disk.newer
        unknown = (held.keys() | marked.keys()) - known
        for run_id in unknown:
            await self._tasks.guard(self._take_unknown, run_id, held.get(run_id), marked.get(run_id))
        if unknown:
            # One that ended while we asked the kernel about it was not in the registry when its end was told.
            held = {run.run_id: run for run in await self._lifecycle.keeper.runs()}
        for _, run in self._registry.runs():
            if run.gone.is_set() or not run.launched.is_set():
                continue  # one that is being launched is its starter's business
            if run.run_id in held:
                await self._take(run, held[run.run_id])
            else:
                if run.live and run.run_id in marked:
                    await self._tasks.guard(self._correct, run, marked[run.run_id])
                await self._tasks.guard(self._take_unheld, run)
            if run.state == "stopping":
                self._log.info("stop.resumed", run=run.run_id)
                self._tasks.start(self._lifecycle.resume_stop, run)
            run.grew()
        for process in self._registry:
            # The former daemon may have died before it came to that. Not as soon as they are loaded: a successor that
            # does not come up must leave everything to the daemon that goes on.
            self._lifecycle.prune(process)

    async def _look_for_markers(self) -> dict[str, Marked]:
        never = [self._lifecycle.keeper.pid] if self._lifecycle.keeper.pid else []
        try:
            return await anyio.to_thread.run_sync(find_marked, self._disk.folder(""), never)
        except OSError as error:
            # No descriptor is left: those with a record are found all the same.
            self._log.warning("markers.unread", error=error.strerror)
            return {}

    async def _take_unknown(self, run_id: str, kept: KeptRun | None, marked: Marked | None) -> None:
        """A run without a record that we can read: the keeper holds it, or processes carry its marker, or both."""
        directory = self._disk.folder(run_id)
        leader = await anyio.to_thread.run_sync(_leader, directory, kept, marked)
        others = marked.pids if marked is not None else ()
        found = None
        if others or (kept is not None and kept.outcome is None):
            found = await anyio.to_thread.run_sync(rebuild, run_id, directory, leader, others)
        if found is None:
            # It has ended, and there is nothing to tell of it: without this its zombie would stay for ever.
            self._log.warning("run.unknown", run=run_id, pid=leader.pid if leader else None)
            await self._lifecycle.keeper.release(run_id)
            return
        name, run = found
        if run.identity is None:
            outcome = kept.outcome if kept is not None else None
            run.finish(outcome, now(), f"{run.reason}; it had ended and left processes behind")
        project = await anyio.to_thread.run_sync(project_root, run.working_directory)
        process = self._registry.get(project, name)
        if process is None or process.live:
            name = free_name(name, self._registry.names(project))
            process = Process(name, project, run.command, run.working_directory)
            self._registry.add(process)
        # The run id tells its number, unless that has been given to another one since.
        run.number = max(run.number, process.next_number())
        self._log.warning("run.rebuilt", run=run_id, name=name, pid=run.pid, pids=others, reason="it had no record")
        self._registry.add_run(process, run)
        await self._lifecycle.write(run)
        if run.identity is not None:
            await anyio.to_thread.run_sync(self._disk.note_spawned, run)

    async def _correct(self, run: Run, marked: Marked) -> None:
        """Believe the keeper's own note before a record that names another leader, if that one is there."""
        leader = await anyio.to_thread.run_sync(noted, run.directory)
        if leader is None or leader != marked.leader:
            return
        if run.boot_id != leader.boot_id or run.identity not in (None, leader):
            self._log.warning("record.corrected", run=run.run_id, pid=leader.pid)
            run.identity, run.boot_id = leader, leader.boot_id

    async def _take(self, run: Run, kept: KeptRun) -> None:
        if kept.pid:
            run.is_child = True
            run.identity = Identity(boot_id(), kept.pid, kept.start or 0)
            if run.state == "starting" and not kept.starting:
                self._lifecycle.found_running(run)
            self._lifecycle.hold(run)
            if kept.outcome is not None:
                self._lifecycle.finish(run, kept.outcome)
            if not run.live:
                self._tasks.start(self._lifecycle.settle, run)
        else:
            # Before anybody is answered: else one that has run for long is "starting" for a moment.
            await self._tasks.guard(self._lifecycle.orphans.find, run)

    async def _take_unheld(self, run: Run) -> None:
        if run.live:
            await self._lifecycle.orphans.find(run)
        else:
            run.is_child = False
            await self._lifecycle.orphans.drain(run)
            self._tasks.start(self._lifecycle.settle, run)


def _leader(directory: str, kept: KeptRun | None, marked: Marked | None) -> Identity | None:
    """Who leads, as the keeper knows, as it once wrote down, or as it seems."""
    if kept is not None and kept.pid:
        return identity_of(kept.pid) or Identity(boot_id(), kept.pid, kept.start or 0)
    return noted(directory) or (marked.leader if marked is not None else None)
