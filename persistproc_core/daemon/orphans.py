"""Runs that the keeper does not know as its own: their parent died, they were captured, or nobody looked when they
ended. They are taken over as far as they live, and how they ended is found out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from . import store
from .clock import rfc3339
from .ending import wait_gone
from .keeper_link import KeeperRefused
from .kernel.identity import Handle, Identity, boot_id, exit_status_from_kernel
from .kernel.process_table import MARKER, environment_of
from .kernel.procfs import exit_status_of_zombie
from .log import Log
from .model import Outcome, Run
from .registry import Registry
from .states import Event
from .tasks import Tasks

if TYPE_CHECKING:
    from .lifecycle import Lifecycle

__all__ = ["Orphans", "is_executed"]

_REAPED_WITHIN = 0.2


class Orphans:
    """Takes care of runs without a keeper."""

    def __init__(self, lifecycle: Lifecycle, tasks: Tasks, log: Log, registry: Registry) -> None:
        self._lifecycle = lifecycle
        self._tasks = tasks
        self._log = log
        self._registry = registry

    async def find(self, run: Run) -> None:
        """Take over a live run that the keeper does not know: its parent died, or nobody looked when it ended."""
        run.is_child = False
        outcome = await anyio.to_thread.run_sync(store.exit_record, run)
        if run.identity is None:
            # Also of one that has ended: who died before the record was written again has not left its pid there.
            note = await anyio.to_thread.run_sync(store.spawned, run)
            if note is not None and (outcome is None or note[1]):
                run.identity = Identity(run.boot_id, note[0], note[1] or 0)
        if outcome is not None:
            self._lifecycle.finish(run, outcome)
        elif run.identity is None:
            await self._never_ran(run)
        elif run.boot_id != boot_id():
            self._lifecycle.finish(run, None, "the machine was started again", await self._last_seen(run))
        else:
            await self._take_over(run)

    async def _take_over(self, run: Run) -> None:
        self._lifecycle.hold(run)
        await self.drain(run)
        await self._lifecycle.copying.begin(run)
        if run.handle is None:
            if not await self._ever_ran(run):
                await self._never_ran(run)
            else:
                self._lifecycle.finish(run, None, "", await self._last_seen(run))
            return
        if run.state == "starting":
            if await anyio.to_thread.run_sync(is_executed, run):
                self._lifecycle.found_running(run)
            else:
                run.advance(Event.SPAWNED)
        if not run.watched:
            run.watched = True
            self._tasks.start(self._watch, run, run.handle)
            self._log.info("run.adopted", run=run.run_id, pid=run.pid)

    async def _ever_ran(self, run: Run) -> bool:
        """An adopted one ran before it was ours; of the others a keeper made a note before the command ran."""
        return run.adopted or await anyio.to_thread.run_sync(store.spawned, run) is not None

    async def _never_ran(self, run: Run) -> None:
        """Its gate never opened: daemon or keeper died before the command could run. There is no run to tell of."""
        self._log.info("run.never_ran", run=run.run_id)
        found = self._registry.run(run.run_id)
        if found is None:
            return
        if found[0].current is run and run.found_before is not None:
            # A start that came to nothing has changed nothing either.
            found[0].options, found[0].protection = run.found_before
        self._lifecycle.forget(found[0], run)
        if not found[0].runs:
            self._registry.discard(found[0])
        await self._lifecycle.keeper.release(run.run_id)
        await self._lifecycle.discard(run)
        if not found[0].removed:
            self._lifecycle.restarting.resume(found[0])

    async def adopt(self, run: Run) -> None:
        """Have the keeper hold and drain the FIFOs of a run that is not its child. Raises `KeeperRefused`."""
        found = self._registry.run(run.run_id)
        await self._lifecycle.keeper.adopt(
            run, self._lifecycle.configuration.stream_bytes(found[0], run) if found is not None else None
        )

    async def drain(self, run: Run) -> None:
        """Have the keeper read the FIFOs of a run that is not its child."""
        try:
            await self.adopt(run)
            await self._lifecycle.keeper.drain(run)
        except KeeperRefused as refusal:
            self._log.warning("run.undrained", run=run.run_id, error=str(refusal))

    async def _watch(self, run: Run, handle: Handle) -> None:
        async with anyio.create_task_group() as group:

            async def wait_let_go() -> None:
                # An adopted one may live on for weeks, and nobody would be left to close what it is watched by.
                await run.gone.wait()
                group.cancel_scope.cancel()

            group.start_soon(wait_let_go)
            await wait_gone(handle.identity)
            group.cancel_scope.cancel()
        if run.gone.is_set():
            return  # it was let go
        if not await self._ever_ran(run):
            await self._never_ran(run)
            return
        outcome = await self._outcome_from_kernel(handle)
        await self._lifecycle.copying.catch_up(run)
        await self.drain(run)
        why = "it is not persistproc's child" if run.foreign else "its keeper died before it did"
        self._lifecycle.finish(run, outcome, f"{why}; how it ended is not known")

    async def outcome_of(self, run: Run) -> Outcome | None:
        """How the leader of a run ended, as the kernel tells it: its keeper is stopped, or has died."""
        return await self._outcome_from_kernel(run.handle) if run.handle is not None else None

    async def _outcome_from_kernel(self, handle: Handle) -> Outcome | None:
        """How a process ended that was nobody's child: the kernel tells while it is a zombie, or once it is reaped."""
        with anyio.move_on_after(_REAPED_WITHIN):
            while handle.fd >= 0:
                status = exit_status_of_zombie(handle.identity.pid, handle.identity.start)
                if status is None:
                    status = exit_status_from_kernel(handle.fd)
                if status is not None:
                    return Outcome.of_status(status, time.time_ns())
                await anyio.sleep(0.02)
        return None

    async def _last_seen(self, run: Run) -> str | None:
        time_ns = await anyio.to_thread.run_sync(store.last_written, run)
        return None if time_ns is None else rfc3339(time_ns)


def is_executed(run: Run) -> bool:
    """Blocks. False while the child may still be at its gate; the marker is in its environment from exec on."""
    note = store.spawned(run)
    if note is None:
        return True  # it has left, or never came
    environment = environment_of(note[0])
    return environment is None or environment.get(MARKER) == run.run_id
