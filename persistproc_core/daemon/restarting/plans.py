"""Restarts by policy: planned when a run ends, carried out when the pause is over, given up when they do not help.

A plan belongs to the newest run of a process and is kept in that run's record, so the next daemon goes on with it. What
carries it out holds the process's lock, like every verb that starts or ends a run: who stops the process, or starts it
by hand, comes before it or after it, never in the middle.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Iterable

import anyio

from ...errors import KeeperUnavailable, PersistprocError, ShuttingDown
from ..clock import rfc3339
from ..events.journal import Journal
from ..kernel.identity import boot_id
from ..known_environment import known_environment
from ..log import Log
from ..model import Cause, Plan, Process, Run
from ..tasks import Tasks
from .autostart import autostart
from .policy import Backoff, is_wanted
from .starter import PERSISTPROC, Starter
from .uptime import up_seconds

__all__ = ["PERSISTPROC", "Restarting"]


class Restarting:
    """The plans of all processes. Nothing is carried out before `open`."""

    def __init__(
        self,
        tasks: Tasks,
        log: Log,
        journal: Journal,
        processes: Iterable[Process],
        *,
        write: Callable[[Run], Awaitable[None]],
        backoff: Callable[[], Backoff],
        dice: Callable[[], float] = random.random,
    ) -> None:
        """``write(run)`` writes its record, ``backoff()`` is the rule as configured now, ``dice()`` is from 0 to 1."""
        self._tasks = tasks
        self._log = log
        self._journal = journal
        self._processes = processes
        self._write = write
        self._backoff = backoff
        self._dice = dice
        self._starter: Starter | None = None
        self.on_changed: Callable[[Process], None] = lambda process: None
        """A process has got a plan or lost it."""

    # --- the daemon's life --------------------------------------------------------------------------------------------

    def open(self, starter: Starter) -> None:
        """Carry out what is planned, and what former daemons planned; after a reboot, what has autostart."""
        self._starter = starter
        for process in self._processes:
            if process.plan is not None:
                self._begin_pause(process, process.plan)
            else:
                self.resume(process)
            if process.live and process.options.restart != "never":
                # Once it has ended nobody can be asked for its environment any more.
                self._tasks.start(self._remember, process.runs[-1])
        autostart(self._processes, starter, self._tasks, self._log)

    def resume(self, process: Process) -> None:
        """Go on with what a former daemon planned, unless the machine was started again since: see `autostart`."""
        run = process.current
        if run is None or run.live or run.next_restart is None or process.plan is not None:
            return
        if run.boot_id == boot_id() and self._is_wanted(process, run):
            self._plan(process, run, run.next_restart)
        else:
            run.next_restart = None
            self._tasks.start(self._write, run)

    async def _remember(self, run: Run) -> None:
        if self._starter is not None:
            await known_environment(run)

    # --- what happens to runs -----------------------------------------------------------------------------------------

    def ended(self, process: Process, run: Run) -> None:
        """A run has ended: tell so, and plan what follows. Never waits: nobody sees the one without the other."""
        if process.current is not run or run.boot_id != boot_id() or not self._is_wanted(process, run):
            self._journal.ended(process, run)
            if self._starter is not None:
                # A keeper that was slow to come: only now it is known what ended with the machine.
                autostart([process], self._starter, self._tasks, self._log)
            return
        number = self._backoff().following(run.restarts, up_seconds(run, seen=self._starter is not None))
        if number is not None:
            self._plan(process, run, number)
        self._journal.ended(process, run)
        if number is None:
            self._give_up(process, run)

    def began(self, process: Process) -> None:
        """A new run has begun, whoever started it: what was planned is done with."""
        if process.plan is not None:
            self._drop(process, process.plan)

    async def cancel(self, process: Process, cause: Cause) -> bool:
        """Do not start it again, and keep who asked for that and why; False: nothing was planned. The lock is held."""
        plan = process.plan
        if plan is None or process.current is not plan.run:
            return False
        run = plan.run
        self._drop(process, plan)
        if cause.verb != "configured":
            run.stop = cause
        run.reason = f"{run.reason}; not started again: {cause.sentence()}"
        self.on_changed(process)
        self._journal.tell("given_up", process, run, cause=cause)
        await self._write(run)
        return True

    async def stay_down(self, process: Process, cause: Cause) -> None:
        """One that has ended is not to come back by autostart or by a changed file either; the lock is held."""
        run = process.current
        if run is not None and run.stop is None and (process.options.autostart or run.settings.watch):
            run.stop = cause
            run.reason = f"{run.reason or run.state}; not started again: {cause.sentence()}"
            self.on_changed(process)
            await self._write(run)

    async def configured(self, process: Process, cause: Cause) -> None:
        """The policy has changed; the lock is held. What it no longer wants is cancelled."""
        if process.live and process.options.restart != "never":
            self._tasks.start(self._remember, process.runs[-1])
        if process.plan is not None and not self._is_wanted(process, process.plan.run):
            await self.cancel(process, cause)

    # --- plans --------------------------------------------------------------------------------------------------------

    def _is_wanted(self, process: Process, run: Run) -> bool:
        return not run.captured and is_wanted(process.options.restart, run.state, stopped=run.stop is not None)

    def _plan(self, process: Process, run: Run, number: int, why: str = "") -> None:
        backoff = self._backoff()
        seconds = backoff.pause(number, self._dice())
        at = rfc3339(time.time_ns() + round(seconds * 1e9))
        why = why or run.reason or run.state
        if process.plan is not None:
            process.plan.over.set()
        plan = process.plan = Plan(run, number, backoff.limit, at, anyio.current_time() + seconds, why)
        run.next_restart = number
        run.pass_through("restarting")
        self._log.info("restart.planned", run=run.run_id, number=number, seconds=round(seconds, 3))
        self._begin_pause(process, plan)
        self.on_changed(process)

    def _begin_pause(self, process: Process, plan: Plan) -> None:
        if self._starter is not None:
            self._tasks.start(self._carry_out, process, plan)

    def _drop(self, process: Process, plan: Plan) -> None:
        process.plan = None
        plan.run.next_restart = None
        plan.pause.cancel()
        plan.over.set()
        self.on_changed(process)

    async def _carry_out(self, process: Process, plan: Plan) -> None:
        with plan.pause:
            await anyio.sleep_until(plan.deadline)
        if plan.pause.cancelled_caught:
            return
        async with process.lock:
            # Whoever held the lock may have stopped it, started it or removed it.
            starter = self._starter
            if starter is None or process.plan is not plan or process.removed or process.current is not plan.run:
                return
            await self._attempt(process, plan, starter)

    async def _attempt(self, process: Process, plan: Plan, starter: Starter) -> None:
        run = plan.run
        cause = Cause("restarted", PERSISTPROC, f"restart policy {process.options.restart}: {plan.why}")
        try:
            await starter.again(process, run, cause, plan.number)
        except ShuttingDown:
            pass  # the next daemon goes on with it
        except Exception as error:
            if not isinstance(error, PersistprocError):
                self._log.exception("restart.failed", error, run=run.run_id)
            if process.plan is plan:
                if isinstance(error, KeeperUnavailable):
                    # That says nothing of the program: it does not use up the row.
                    self._plan(process, run, plan.number, plan.why)
                    return
                problem = error.message if isinstance(error, PersistprocError) else "see the daemon's log"
                await self._failed(process, plan, problem)

    async def _failed(self, process: Process, plan: Plan, problem: str) -> None:
        """A restart that came to no run counts as one."""
        run = plan.run
        self._log.warning("restart.failed", run=run.run_id, number=plan.number, problem=problem)
        run.reason = f"{plan.why}; restart {plan.number} failed: {problem}"
        number = self._backoff().following(plan.number, 0.0)
        if number is None:
            self._drop(process, plan)
            self._give_up(process, run)
        else:
            self._plan(process, run, number, plan.why)
        await self._write(run)

    def _give_up(self, process: Process, run: Run) -> None:
        limit = self._backoff().limit
        in_row = f"{limit} restart{'' if limit == 1 else 's'} in a row"
        run.reason = f"{run.reason}; given up after {in_row}: persistproc restart {process.name} tries again"
        self._log.info("restart.given_up", run=run.run_id)
        self._journal.tell("given_up", process, run, by=PERSISTPROC, reason=run.reason)
