"""The verbs that start and end processes. One lock a process is held around each: two callers never act at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

import anyio
import anyio.to_thread

from ..errors import (
    NameTaken,
    NotRestartable,
    PersistprocError,
    ProcessNotFound,
    ShuttingDown,
)
from ..protocol import (
    ClientInfo,
    Difference,
    RestartProcessParams,
    ShutdownDaemonParams,
    StartProcessParams,
    StopProcessParams,
)
from . import environment as environments
from .adopting.consent import check_asked
from .adopting.letting_go import leave_adopted
from .configuring import Configuring
from .ending import Ending
from .joining import differences_of_join
from .known_environment import known_environment
from .launching import Launching, Prepared
from .lifecycle import Lifecycle
from .model import Cause, Process, Run
from .ports.ports import Ports
from .protection import Demand, Protecting, check_unprotected, is_anothers
from .readiness.rules import check as check_readiness
from .readiness.rules import is_expected
from .registry import Registry, full_name
from .requests import OfProject, Requested, requested, settings_of, stop_options
from .words.command import Command, default_name, free_name

__all__ = ["Started", "Supervisor"]

_PROVES_ITSELF_SECONDS = 0.25


class Started:
    """What a start or restart led to."""

    def __init__(self, process: Process, run: Run, *, joined: bool = False) -> None:
        self.process = process
        self.run = run
        self.joined = joined
        self.differences: list[Difference] = []
        self.previous: Run | None = None
        self.environment_from = "run"


class Supervisor:
    """Starts, joins, stops, restarts and removes."""

    def __init__(
        self,
        registry: Registry,
        lifecycle: Lifecycle,
        protecting: Protecting,
        configuring: Configuring,
        launching: Launching,
        ports: Ports,
    ) -> None:
        self._registry = registry
        self._lifecycle = lifecycle
        self._protecting = protecting
        self._configuring = configuring
        self._launching = launching
        self._ports = ports
        self._shutting_down = False

    # --- start --------------------------------------------------------------------------------------------------------

    async def start(
        self, params: StartProcessParams, client: ClientInfo, *, of_project: OfProject | None = None
    ) -> Started:
        """Start or join."""
        asked = await requested(params, of_project)
        while True:
            process = self._process_for(asked)
            async with process.lock:
                # Whoever held the lock may have removed it, or ended what we came to join.
                if not process.removed:
                    try:
                        return await self._start_locked(process, asked, client)
                    finally:
                        if not process.runs:
                            self._registry.discard(process)

    def _process_for(self, asked: Requested) -> Process:
        """The process that is meant, made when there is none. Never awaits: ten callers at once find the same one."""
        if asked.name is not None:
            named = self._registry.get(asked.project, asked.name)
            if named is not None:
                return named
        same = [
            process
            # In a project's file two may have the same command: there the name alone tells which is meant.
            for process in (self._registry.in_project(asked.project) if asked.of_project is None else ())
            if process.asked_argv == asked.asked_argv and process.working_directory == asked.directory
        ]
        live = [process for process in same if process.live or process.planned or not process.runs]
        if live:
            return live[0]
        if same and asked.name is None:
            return same[0]
        name = asked.name or free_name(default_name(asked.command), self._registry.names(asked.project))
        process = Process(name, asked.project, asked.command, asked.directory)
        self._registry.add(process)
        return process

    def check_open(self) -> None:
        """Raises `ShuttingDown` once the daemon is about to end."""
        # Under the process's lock: a shutdown that begins later waits for the lock, and finds the run to be stopped.
        if self._shutting_down:
            raise ShuttingDown("the daemon is about to end", hint="try again in a moment")

    async def _start_locked(self, process: Process, asked: Requested, client: ClientInfo) -> Started:
        self.check_open()
        demand = Demand.of(asked.params, client)
        protected = asked.params.get("protected", False)
        run = process.current
        if run is not None and run.live and run.state != "stopping":
            same = run.asked_argv == asked.asked_argv
            if same and not asked.params.get("fresh"):
                if protected:
                    await self._protecting.join(process, demand)
                started = Started(process, run, joined=True)
                started.differences = await differences_of_join(process, run, asked)
                return started
            if not same and not asked.params.get("replace"):
                raise _name_taken(process, run, asked.command)
        elif process.planned and process.asked_argv != asked.asked_argv and not asked.params.get("replace"):
            raise _name_taken(process, process.planned.run, asked.command)
        async with (
            self._protecting.begin(process, demand) if protected else nullcontext(),
            self._configuring.begin(process, asked.params),
        ):
            return await self._begin(process, asked, demand)

    async def _begin(self, process: Process, asked: Requested, demand: Demand) -> Started:
        """A new run, once what there is of the old one is gone."""
        old = process.current
        again = old is not None and (asked.params.get("fresh", False) or asked.params.get("replace", False))
        if is_anothers(process, demand.client) and (again or await _would_end(old)):
            check_unprotected(process, demand)
        await check_asked(process, old, demand)
        asked = await self._ports.filled(asked, process.name)
        await self._ports.check(asked, process.name)
        # End and start have the same words, as in restart(): they are one happening.
        instead = demand.cause(_verb(old, asked))
        cause = instead if again else demand.cause("started")
        prepared = await self._prepare_asked(process, asked, cause, old if again else None)
        started = Started(process, await self._launching.launch(process, prepared, old, instead))
        started.previous = old
        return started

    async def _prepare_asked(self, process: Process, asked: Requested, cause: Cause, replaced: Run | None) -> Prepared:
        settings = settings_of(asked)
        if is_expected(settings):
            await anyio.to_thread.run_sync(check_readiness, settings)
        moved = self._ports.leases.take_moved(process.project_directory, process.name)
        return await self._launching.prepare(
            process, asked.command, asked.directory, settings, asked.environment, cause, replaced, note=moved
        )

    # --- stop and restart ---------------------------------------------------------------------------------------------

    async def stop(self, process: Process, params: StopProcessParams, client: ClientInfo) -> Ending | None:
        """Stop the process; None when there was nothing to stop."""
        return await self._stop(process, params, Demand.of(params, client))

    async def _stop(
        self, process: Process, params: StopProcessParams, demand: Demand, *, heeds_protection: bool = True
    ) -> Ending | None:
        async with self._turn(process, params, demand, heeds_protection=heeds_protection):
            run = process.current
            if run is None or process.removed:
                raise ProcessNotFound(f"{full_name(process)} is gone", hint="there is nothing to stop")
            signum, grace, kill = stop_options(params, run.settings)
            if not run.present and process.planned is None:
                await self._lifecycle.restarting.stay_down(process, demand.cause("stopped"))
                return None
            if heeds_protection:
                check_unprotected(process, demand, ends=True)
                await check_asked(process, run, demand, ends=True)
            spare, cause = params.get("leave_escaped", False), demand.cause("stopped")
            cancelled = await self._lifecycle.restarting.cancel(process, cause)
            if cancelled and not run.present:
                return Ending(None, ())
            ending = await self._lifecycle.end(run, signum, grace, cause, force=kill, leave_escaped=spare)
            # Where only what it had left behind was ended.
            await self._lifecycle.restarting.stay_down(process, cause)
            return ending

    @asynccontextmanager
    async def _turn(
        self,
        process: Process,
        params: StopProcessParams | RestartProcessParams,
        demand: Demand,
        *,
        heeds_protection: bool = True,
    ) -> AsyncIterator[None]:
        """The process's lock. Force does not wait for the grace of a stop that has it."""
        run = process.current
        haste: AbstractContextManager[None] = nullcontext()
        if run is not None and process.lock.locked() and stop_options(params, run.settings)[2]:
            if heeds_protection:
                check_unprotected(process, demand, ends=True)
                await check_asked(process, run, demand, ends=True)
            haste = self._lifecycle.ender.in_haste(run)
        with haste:
            await process.lock.acquire()
        try:
            yield
        finally:
            process.lock.release()

    async def restart(self, process: Process, params: RestartProcessParams, client: ClientInfo) -> Started:
        """A new run after the old one is gone. The old one is left alone when the new one could not start."""
        demand = Demand.of(params, client)
        environments.check(params.get("environment", {}))
        async with self._turn(process, params, demand):
            old = process.current
            if old is None or process.removed:
                raise ProcessNotFound(f"{full_name(process)} was removed meanwhile", hint="start it again")
            signum, grace, kill = stop_options(params, old.settings)
            self.check_open()
            check_unprotected(process, demand, ends=True)
            await check_asked(process, old, demand, ends=True)
            if old.captured:
                raise NotRestartable(
                    f"{full_name(process)} was not started by persistproc: its output is captured",
                    hint=f"start its program through persistproc: persistproc run --name {process.name} -- COMMAND",
                )
            await self._lifecycle.keeper.check()
            await self._ports.check_again(process.project_directory, process.name, old)
            known = await known_environment(old)
            asked, source = _environment_for(known, params)
            cause = demand.cause("restarted")
            prepared = await self._launching.prepare(
                process, old.command, old.working_directory, old.settings, asked, cause, old
            )
            run = await self._launching.launch(process, prepared, old, cause, stop=(signum, grace), force=kill)
            started = Started(process, run)
            started.previous = old
            started.environment_from = source
            if known is not None and source != "run":
                started.differences = environments.difference(asked, known)
        with anyio.move_on_after(_PROVES_ITSELF_SECONDS):
            await run.ended.wait()
        return started

    async def again(self, process: Process, old: Run, cause: Cause, restarts: int) -> Run:
        """A new run that nobody asked for in person, with all that an ended one had; the process's lock is held.

        What that one left behind is ended first. Raises what a restart raises.
        """
        self.check_open()
        await self._ports.check_again(process.project_directory, process.name, old)
        known = await known_environment(old)
        asked, _ = _environment_for(known, RestartProcessParams(process=process.name))
        if known is None:
            cause = cause._replace(reason=f"{cause.reason}; nobody knew its environment any more: it has the daemon's")
        prepared = await self._launching.prepare(
            process, old.command, old.working_directory, old.settings, asked, cause, old, restarts
        )
        return await self._launching.launch(process, prepared, old, cause)

    async def stop_all(self, params: ShutdownDaemonParams, client: ClientInfo) -> tuple[list[str], list[str]]:
        """Before the daemon ends: which processes were stopped and which are left, each as project/name."""
        self._shutting_down = True
        stopped: list[str] = []
        left: list[str] = []
        await leave_adopted(self._lifecycle, self._registry)

        async def stop(process: Process) -> None:
            if process.current is not None and process.current.adopted and process.current.present:
                # It was there before us, and whoever started it is not asked.
                left.append(full_name(process))
                return
            options = StopProcessParams(process=process.name)
            if "grace_seconds" in params:
                options["grace_seconds"] = params["grace_seconds"]
            try:
                demand = Demand(client, "shutdown")
                if await self._stop(process, options, demand, heeds_protection=False) is not None:
                    stopped.append(full_name(process))
            except Exception:
                # One that cannot be stopped must not keep the daemon from ending, nor the others from being stopped.
                left.append(full_name(process))

        if not params.get("stop_processes", False):
            return [], [full_name(process) for process in self._registry if process.current and process.current.present]
        async with anyio.create_task_group() as group:
            for process in self._registry:
                group.start_soon(stop, process)
        return sorted(stopped), sorted(left)


def _verb(old: Run | None, asked: Requested) -> str:
    """What is done to the run in whose place a new one comes."""
    return "restarted" if old is not None and old.asked_argv == asked.asked_argv else "replaced"


async def _would_end(old: Run | None) -> bool:
    """Whether a new run in its place ends anything: an ended one may have left processes behind (a daemon's parent)."""
    if old is None or old.spared:
        return False
    await old.settled()
    return old.present


def _environment_for(known: dict[str, str] | None, params: RestartProcessParams) -> tuple[dict[str, str], str]:
    if known is not None:
        return known, "run"
    if params.get("environment"):
        return params["environment"], "caller"
    return environments.of_the_hub(), "daemon"


def _name_taken(process: Process, run: Run, command: Command) -> PersistprocError:
    return NameTaken(
        f"{full_name(process)} already runs another command: {run.command.text}",
        hint=("stop it" if run.captured else "restart it") + ", replace it (--replace), or choose another name",
        data={"name": process.name, "running": run.command.text, "asked": command.text, "pid": run.pid},
    )
