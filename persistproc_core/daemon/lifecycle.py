"""The life of a run: launched through the keeper, ended by its exit record, released when nothing of it is left."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import anyio
import anyio.to_thread

from ..errors import KeeperUnavailable, StopTimedOut, StorageFailed
from . import store
from .adopting.copying import Copying
from .clock import now, rfc3339
from .ending import Ender, Ending, wait_gone
from .events.journal import Journal
from .failures import start_failed
from .keeper import Keeper
from .keeper_link import KeeperLost, KeeperRefused
from .keeping.config import Configuration
from .keeping.retention import Retention
from .kernel.identity import Handle, Identity, boot_id, identity_of
from .late_writing import LateWriter
from .log import Log
from .logs.reader import RunLog
from .model import Cause, Outcome, Process, Run
from .orphans import Orphans, is_executed
from .ports.ports import Ports
from .readiness.readying import Readying
from .readiness.rules import is_expected, no_longer_ready
from .registry import Registry
from .requests import own_stop
from .restarting.plans import Restarting
from .states import Event
from .store import Record, Store
from .tasks import Tasks
from .usage.expiry import Expiry
from .usage.leases import begin
from .usage.uses import Uses
from .watching.watching import Watching

__all__ = ["Lifecycle"]

_REPORTED_WITHIN = 5.0
_EXECUTED_WITHIN = 1.0
_LOOK_SECONDS = 0.01


class Lifecycle:
    """Owns what happens to runs between the verbs."""

    def __init__(self, tasks: Tasks, log: Log, disk: Store, registry: Registry) -> None:
        self._tasks = tasks
        self._log = log
        self._disk = disk
        self._registry = registry
        self.orphans = Orphans(self, tasks, log, registry)
        self._late = LateWriter(tasks, self.save, lambda: self.journal.restore())
        self.keeper: Keeper
        self.ender: Ender
        self.journal: Journal
        self.configuration: Configuration
        self.retention: Retention
        self.restarting: Restarting
        self.uses: Uses
        self.expiry: Expiry
        self.ports: Ports
        self.copying: Copying
        self.watching: Watching
        self.readying: Readying

    # --- the beginning ------------------------------------------------------------------------------------------------

    async def prepare(self, process: Process, run: Run) -> None:
        """Write the record of a run that is about to be launched. Raises `StorageFailed`; nothing is left then."""
        if run.restarts and process.current is not None:
            run.lease = begin(process.current)
        run.ready = False if is_expected(run.settings) else None
        try:
            await anyio.to_thread.run_sync(self._disk.create, run.directory, _content(process, run))
        except OSError as error:
            raise StorageFailed(
                f"cannot write {run.directory}: {error.strerror}", hint="see persistproc doctor"
            ) from None

    async def launch(self, process: Process, run: Run, environment: dict[str, str], umask: int) -> None:
        """Let the keeper start the command of a prepared run. Raises `StartFailed`; no run is left behind then."""
        reason = run.reason
        self._registry.add_run(process, run)
        try:
            await self._start(process, run, environment, umask)
        except KeeperRefused as refusal:
            self.forget(process, run)
            failure = await anyio.to_thread.run_sync(start_failed, refusal, run, environment)
            await self.discard(run)
            raise failure from None
        except (ValueError, OSError, KeeperUnavailable):
            # Nothing was sent: the text cannot be passed to the system. Or nobody read it, and nobody will any more.
            self.forget(process, run)
            await self.discard(run)
            raise
        finally:
            run.launched.set()
            run.grew()  # the keeper passed over what somebody asked it to watch before it knew the run
        self.hold(run)
        self._log.info("run.started", run=run.run_id, pid=run.pid, program=run.command.argv[0])
        self.journal.began(process, run, reason=reason)
        self.restarting.began(process)
        if not run.restarts:
            self.uses.begun(process)
        self.changed(process)
        if not run.live:
            self.restarting.ended(process, run)  # it ended before its start was answered
        self.readying.begin(process, run)
        self.prune(process)
        await self.watching.begun(process)

    def changed(self, process: Process) -> None:
        """It has another run, limit or plan, or its run has ended. Never blocks."""
        self.expiry.changed(process)
        self.watching.changed(process)

    def forget(self, process: Process, run: Run) -> None:
        """Take a run that never ran out of the registry."""
        self._registry.discard_run(process, run)
        if run.live:
            run.finish(None, now(), "it never ran")  # for those who wait for it
        self._drop_handle(run)
        run.gone.set()

    async def _start(self, process: Process, run: Run, environment: dict[str, str], umask: int) -> None:
        await self.configuration.refresh()
        while True:
            try:
                pid, start = await self.keeper.start(
                    run, environment, umask, self.configuration.stream_bytes(process, run)
                )
            except KeeperLost:
                if await self._started_anyway(run):
                    return
                # The gate kept the command from running, so it may be asked for once more.
                continue
            except KeeperUnavailable:
                note = await anyio.to_thread.run_sync(store.spawned, run)
                if note is None:
                    raise
                # It was stopped before it could say so; of the end it will tell.
                self._spawned(run, *note)
                return
            self._spawned(run, pid, start)
            return

    def _spawned(self, run: Run, pid: int, start: int | None) -> None:
        known = identity_of(pid)
        run.identity = Identity(boot_id(), pid, start if start is not None else known.start if known else 0)
        if run.state == "starting":
            run.advance(Event.SPAWNED)

    async def _started_anyway(self, run: Run) -> bool:
        """Whether the command runs, or ran, although the keeper died before it said so."""
        with anyio.move_on_after(_EXECUTED_WITHIN):
            while not await anyio.to_thread.run_sync(is_executed, run):  # noqa: ASYNC110
                await anyio.sleep(_LOOK_SECONDS)
        note = await anyio.to_thread.run_sync(store.spawned, run)
        if note is None:
            return False
        self._spawned(run, *note)
        await self.orphans.find(run)
        return True

    def hold(self, run: Run) -> None:
        """Hold on to what would be gone with the keeper: how the leader ends.

        The kernel tells that later only to those who have a pidfd of it.
        """
        if run.handle is None and run.identity is not None and run.live:
            run.handle = Handle.open(run.identity)

    def _drop_handle(self, run: Run) -> None:
        if run.handle is not None:
            run.handle.close()
            run.handle = None

    # --- the end ------------------------------------------------------------------------------------------------------

    def on_started(self, run_id: str) -> None:
        """A start that a former daemon asked for has come to exec."""
        found = self._registry.run(run_id)
        if found is not None and found[1].state == "starting":
            self.found_running(found[1])

    def found_running(self, run: Run) -> None:
        """The command of a run is executed that a former daemon asked for."""
        run.advance(Event.SPAWNED)
        found = self._registry.run(run.run_id)
        if found is not None:
            self.journal.found_running(*found)

    def on_exited(self, run_id: str, outcome: Outcome) -> None:
        """The keeper has seen the end of a leader; all that it wrote is in the log."""
        found = self._registry.run(run_id)
        if found is None or not found[1].live:
            return
        if outcome.code and found[1].state != "stopping":
            self._tasks.start(self._finish_explained, *found, outcome)
        else:
            self.finish(found[1], outcome)

    async def _finish_explained(self, process: Process, run: Run, outcome: Outcome) -> None:
        # Before anybody is told of the end: its reason goes into events, errors and plans, and is not told twice.
        try:
            run.explanation = await self.ports.trouble.explain(process, run)
        except Exception as error:
            self._log.exception("run.unexplained", error, run=run.run_id)
        self.finish(run, outcome)

    def finish(self, run: Run, outcome: Outcome | None, reason: str = "", ended_at: str | None = None) -> None:
        if not run.live:
            return
        run.finish(outcome, ended_at or (rfc3339(outcome.time_ns) if outcome else now()), reason)
        no_longer_ready(run)
        self._log.info("run.ended", run=run.run_id, state=run.state, exit_code=run.exit_code, signal=run.signal)
        found = self._registry.run(run.run_id)
        if found is not None and run.launched.is_set():
            self.journal.found_running(*found)
            self.restarting.ended(*found)
            self.changed(found[0])
        self._tasks.start(self.settle, run)

    async def settle(self, run: Run) -> None:
        """Watch over what the leader left behind; release the run when nothing is left."""
        await run.launched.wait()
        if run.ending:
            return  # who ends it releases it
        await self.write(run)
        while not run.gone.is_set():
            members = await self.ender.members(run)
            run.survivors = tuple(process.pid for process in members)
            if not members:
                await self.release(run)
                return
            self._log.info("run.survivors", run=run.run_id, pids=run.survivors)
            if run.adopted:
                await self.write(run)  # nothing but the record can tell the next daemon whose they are
            for process in members:
                await wait_gone(process.identity)

    async def release(self, run: Run) -> None:
        """Nothing of the run is left: the keeper may give its number back."""
        if run.gone.is_set():
            return
        await self.copying.end(run)
        if run.undrained:
            await self.orphans.drain(run)
        await self.keeper.release(run.run_id)
        if run.gone.is_set():
            return  # a stop and the watch over what was left both came to the end
        self._drop_handle(run)
        run.survivors = ()
        run.gone.set()
        no_longer_ready(run)
        self.retention.wake()
        run.grew()
        await self.write(run)

    async def write(self, run: Run) -> None:
        """Write the record as it is now; a full disk costs the record's freshness, nothing else."""
        try:
            await self.save(run)
        except OSError as error:
            self._log.warning("record.unwritten", run=run.run_id, error=error.strerror)
            self._late.add(run)

    async def write_spoiled(self) -> None:
        """Write again the records that somebody spoiled while we had them in memory; the next daemon could not."""
        for run_id in await anyio.to_thread.run_sync(self._disk.unreadable):
            found = self._registry.run(run_id)
            if found is not None:
                self._log.warning("record.spoiled", run=run_id)
                with suppress(OSError):
                    await self.save(found[1], durable=True)

    async def save(self, run: Run, *, durable: bool = False) -> None:
        """Write the record as it is now; ``durable``: so that not even a power cut loses it.

        Raises `OSError`; the former one is there then.
        """
        async with run.writing:
            found = self._registry.run(run.run_id)
            if found is None:
                return  # removed meanwhile: a late record would bring its folder back
            content = _content(found[0], run)
            await anyio.to_thread.run_sync(partial(self._disk.write, run.directory, content, durable=durable))

    def grew(self, run_id: str) -> None:
        """The keeper says that a watched log is longer now."""
        found = self._registry.run(run_id)
        if found is not None:
            found[1].grew()

    async def end(
        self,
        run: Run,
        signum: int,
        grace_seconds: float,
        cause: Cause | None,
        *,
        force: bool = False,
        leave_escaped: bool = False,
    ) -> Ending:
        """End a run, its leader and all that it left; the process's lock is held. Raises `StopTimedOut`."""
        if run.live:
            run.stop = cause
            run.advance(Event.STOP_ASKED)
            found = self._registry.run(run.run_id)
            if found is not None:
                self.journal.tell("stopping", *found, cause=cause)
            if run.adopted:
                await self.ender.members(run)  # for the record: who goes on with this stop must know them
            await self.write(run)
        run.ending = True
        try:
            ending = await self.ender.end(run, signum, grace_seconds, force=force, leave_escaped=leave_escaped)
            with anyio.move_on_after(0 if self.keeper.is_stopped else _REPORTED_WITHIN):
                await run.ended.wait()
            if run.live:
                run.undrained = True
                self.finish(run, await self.orphans.outcome_of(run))
            run.spared = leave_escaped
            if not leave_escaped:
                with anyio.move_on_after(0 if self.keeper.is_stopped else _REPORTED_WITHIN):
                    await self.release(run)
        finally:
            run.ending = False
            if not run.live and not run.gone.is_set():
                self._tasks.start(self.settle, run)
        return ending

    async def end_softly(self, run: Run, cause: Cause) -> Ending:
        """`end`, as a stop without options does it."""
        return await self.end(run, *own_stop(run.settings), cause)

    async def resume_stop(self, run: Run) -> None:
        """Go on with a stop in the middle of which a former daemon died."""
        found = self._registry.run(run.run_id)
        if found is None:
            return
        async with found[0].lock:
            if run.state == "stopping":
                try:
                    await self.end(run, *own_stop(run.settings), run.stop)
                except StopTimedOut as error:
                    self._log.warning("stop.timed_out", run=run.run_id, error=error.message)

    # --- old runs -----------------------------------------------------------------------------------------------------

    def prune(self, process: Process) -> None:
        """Delete the oldest runs where there are too many."""
        self.retention.wake()
        for run in process.runs[: -self.configuration.runs(process)]:
            if run.gone.is_set():
                self._registry.discard_run(process, run)
                self._tasks.start(self.discard, run)

    async def discard(self, run: Run) -> None:
        """Delete the folder of a run, or say in the log why it stays."""
        try:
            await self.delete(run)
        except OSError as error:
            self._log.warning("run.unremoved", run=run.run_id, error=error.strerror)

    async def delete(self, run: Run) -> None:
        """Delete the folder of a run that the registry does not know any more. Raises `OSError`."""
        async with run.writing:
            end = await anyio.to_thread.run_sync(RunLog(run.directory).sizes)
            # First, so that a follower who then finds no folder knows what he missed.
            self.journal.deleted(run.run_id, end)
            await anyio.to_thread.run_sync(self._disk.remove, run.run_id)
        self.retention.wake()


def _content(process: Process, run: Run) -> bytes:
    """The record as it is now; taken on the event loop, so that it is of one moment."""
    return store.dump(Record(process.name, process.project_directory, run, process.protection, process.options))
