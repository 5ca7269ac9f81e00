"""What the daemon makes of the records and of what the keeper holds: at its start, and when a keeper was replaced."""

from __future__ import annotations

import anyio
import anyio.to_thread

from .keeper import KeptRun
from .kernel.identity import Identity, boot_id
from .lifecycle import Lifecycle
from .log import Log
from .model import Process, Run
from .projects import project_root
from .rebuild import rebuild
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
        for record in records:
            process = self._registry.get(record.project_directory, record.name)
            if process is None:
                process = Process(
                    record.name, record.project_directory, record.run.command, record.run.working_directory
                )
                self._registry.add(process)
            process.command = record.run.command
            process.working_directory = record.run.working_directory
            process.protection = record.protection
            process.options = record.options
            self._registry.add_run(process, record.run)
            if not record.run.live:
                self._lifecycle.journal.found_ended(process, record.run)

    async def reconcile(self, kept: list[KeptRun]) -> None:
        """Go through all runs that are not known to be gone, with the keeper's list at hand."""
        held = {run.run_id: run for run in kept}
        unknown = held.keys() - {run.run_id for _, run in self._registry.runs()}
        for run_id in unknown:
            await self._tasks.guard(self._take_unknown, held[run_id])
        if unknown:
            # One that ended while we asked the kernel about it was not in the registry when its end was told.
            held = {run.run_id: run for run in await self._lifecycle.keeper.runs()}
        for _, run in self._registry.runs():
            if run.gone.is_set() or not run.launched.is_set():
                continue  # one that is being launched is its starter's business
            if run.run_id in held:
                self._take(run, held[run.run_id])
            else:
                await self._tasks.guard(self._take_unheld, run)
            if run.state == "stopping":
                self._log.info("stop.resumed", run=run.run_id)
                self._tasks.start(self._lifecycle.resume_stop, run)
            run.grew()

    async def _take_unknown(self, kept: KeptRun) -> None:
        self._log.warning("keeper.unknown_run", run=kept.run_id, pid=kept.pid)
        found = None
        if kept.outcome is None:
            found = await anyio.to_thread.run_sync(rebuild, kept, self._disk.folder(kept.run_id))
        if found is None:
            # It has ended, and there is nothing to tell of it: without this its zombie would stay for ever.
            await self._lifecycle.keeper.release(kept.run_id)
            return
        name, run = found
        project = await anyio.to_thread.run_sync(project_root, run.working_directory)
        process = self._registry.get(project, name)
        if process is None or process.live:
            name = free_name(name, self._registry.names(project))
            process = Process(name, project, run.command, run.working_directory)
            self._registry.add(process)
        run.number = process.next_number()
        self._registry.add_run(process, run)
        await self._lifecycle.write(run)

    def _take(self, run: Run, kept: KeptRun) -> None:
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
            self._tasks.start(self._lifecycle.orphans.find, run)

    async def _take_unheld(self, run: Run) -> None:
        if run.live:
            await self._lifecycle.orphans.find(run)
        else:
            run.is_child = False
            await self._lifecycle.orphans.drain(run)
            self._tasks.start(self._lifecycle.settle, run)
