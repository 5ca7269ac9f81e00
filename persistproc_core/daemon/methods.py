"""The methods of the protocol: each takes validated parameters and gives the declared result."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, cast

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from .. import __version__
from ..errors import StartFailed
from ..protocol import (
    PROTOCOL_VERSION,
    ActParams,
    CallerParams,
    DaemonStatus,
    GetProcessStatusParams,
    Hello,
    InputReply,
    ListProcessesParams,
    ListReply,
    NoParams,
    ProcessInfo,
    RemoveReply,
    RestartProcessParams,
    RestartReply,
    SendProcessInputParams,
    ShutdownDaemonParams,
    ShutdownReply,
    SignalProcessParams,
    StartProcessParams,
    StartReply,
    StatusReply,
    StopProcessParams,
    StopReply,
    TargetParams,
)
from ..schema import openrpc_document
from . import environment as environments
from .control import Control
from .dispatch import Handler
from .facts import Facts, run_info
from .model import Process
from .output import Output
from .peer import Peer
from .projects import project_name, project_root
from .registry import Registry
from .supervisor import Supervisor
from .usage import resident_bytes
from .waiting import Waiting

__all__ = ["Methods", "hello"]


class Methods:
    """Translates between the protocol and the daemon's parts."""

    def __init__(
        self,
        *,
        group: TaskGroup,
        registry: Registry,
        supervisor: Supervisor,
        control: Control,
        facts: Facts,
        output: Output,
        waiting: Waiting,
        daemon_facts: Callable[[], DaemonStatus],
        quit_soon: Callable[[], None],
    ) -> None:
        self._group = group
        self._registry = registry
        self._supervisor = supervisor
        self._control = control
        self._facts = facts
        self._output = output
        self._waiting = waiting
        self._daemon_facts = daemon_facts
        self._quit_soon = quit_soon

    def handlers(self) -> dict[str, Handler]:
        """A handler for each declared method."""
        return {
            "start_process": self._to_end(self._start_process),
            "stop_process": self._to_end(self._stop_process),
            "restart_process": self._to_end(self._restart_process),
            "list_processes": self._list_processes,
            "get_process_status": self._get_process_status,
            "get_process_output": self._get_process_output,
            "get_process_log_paths": self._get_process_log_paths,
            "wait_for_process": self._wait_for_process,
            "send_process_input": self._to_end(self._send_process_input),
            "signal_process": self._to_end(self._signal_process),
            "remove_process": self._to_end(self._remove_process),
            "get_daemon_status": self._get_daemon_status,
            "shutdown_daemon": self._to_end(self._shutdown_daemon),
            "rpc.discover": self._discover,
        }

    def _to_end(self, handler: Handler) -> Handler:
        """What changes something goes on when its caller hangs up: half a stop would be worse than either whole."""

        async def handle(params: Any, peer: Peer) -> object:
            done = anyio.Event()
            outcome: list[object] = []
            failure: list[Exception] = []

            async def work() -> None:
                try:
                    outcome.append(await handler(params, peer))
                except Exception as error:
                    failure.append(error)
                finally:
                    done.set()

            self._group.start_soon(work)
            await done.wait()
            if failure:
                raise failure[0]
            return outcome[0] if outcome else None

        return handle

    async def _find(self, params: TargetParams) -> Process:
        return self._registry.find(params["process"], await _project(params))

    # --- verbs --------------------------------------------------------------------------------------------------------

    async def _start_process(self, params: StartProcessParams, peer: Peer) -> StartReply:
        started = await self._supervisor.start(params, peer.client(params.get("client")))
        info = self._facts.plain(started.process, started.run)
        return {**info, "already_running": started.joined, "differences": started.differences}

    async def _stop_process(self, params: StopProcessParams, peer: Peer) -> StopReply:
        process = await self._find(params)
        ending = await self._supervisor.stop(process, params, peer.client(params.get("client")))
        return {
            **self._facts.plain(process),
            "already_stopped": ending is None,
            "ended_by": ending.ended_by if ending else None,
            "stopped_pids": list(ending.pids) if ending else [],
        }

    async def _restart_process(self, params: RestartProcessParams, peer: Peer) -> RestartReply:
        process = await self._find(params)
        started = await self._supervisor.restart(process, params, peer.client(params.get("client")))
        info = self._facts.plain(process, started.run)
        if started.run.state in ("failed", "lost"):
            lines = await self._output.last_lines(started.run)
            raise StartFailed(
                f"{process.name} was started again and {started.run.reason} at once",
                hint="mend what its last lines say, then restart it",
                data={"errno": None, "last_lines": lines, "process": info},
            )
        assert started.previous is not None
        return {
            **info,
            "previous_run": started.previous.number,
            "environment_from": cast("Any", started.environment_from),
            "differences": started.differences,
        }

    async def _signal_process(self, params: SignalProcessParams, peer: Peer) -> ProcessInfo:
        process = await self._find(params)
        await self._control.signal(process, params)
        return self._facts.plain(process)

    async def _send_process_input(self, params: SendProcessInputParams, peer: Peer) -> InputReply:
        process = await self._find(params)
        run, written = await self._control.send_input(process, params)
        return {
            "name": process.name,
            "project": project_name(process.project_directory),
            "run": run.number,
            "bytes": written,
        }

    async def _remove_process(self, params: ActParams, peer: Peer) -> RemoveReply:
        process = await self._find(params)
        runs = await self._control.remove(process, params)
        return {"name": process.name, "project": project_name(process.project_directory), "runs": runs}

    # --- questions ----------------------------------------------------------------------------------------------------

    async def _list_processes(self, params: ListProcessesParams, peer: Peer) -> ListReply:
        project = await _project(params)
        everywhere = params.get("all_projects", False) or project is None
        processes = [
            process
            for process in self._registry
            if (everywhere or process.project_directory == project)
            and process.current is not None
            and (process.current.present or not params.get("running", False))
        ]
        return {"processes": await self._facts.measured(processes)}

    async def _get_process_status(self, params: GetProcessStatusParams, peer: Peer) -> StatusReply:
        process = await self._find(params)
        run = process.runs[-1]
        info = await self._facts.measured_run(process, run)
        known = await self._supervisor.environment(run)
        given = params.get("environment")
        return {
            **info,
            "history": [run_info(old) for old in reversed(process.runs)],
            "environment_names": sorted(known or ()),
            "log_directory": run.directory,
            "differences": environments.difference(given, known) if given is not None and known is not None else [],
        }

    async def _get_process_output(self, params: Any, peer: Peer) -> object:
        return await self._output.get(await self._find(params), params)

    async def _get_process_log_paths(self, params: TargetParams, peer: Peer) -> object:
        return await self._output.paths(await self._find(params))

    async def _wait_for_process(self, params: Any, peer: Peer) -> object:
        return await self._waiting.wait(await self._find(params), params)

    # --- the daemon ---------------------------------------------------------------------------------------------------

    async def _get_daemon_status(self, params: NoParams, peer: Peer) -> DaemonStatus:
        status = self._daemon_facts()
        keeper = status["keeper_pid"]
        resident = await anyio.to_thread.run_sync(resident_bytes, os.getpid())
        status["memory_bytes"] = resident or 0
        if keeper is not None:
            status["keeper_memory_bytes"] = await anyio.to_thread.run_sync(resident_bytes, keeper)
        return status

    async def _shutdown_daemon(self, params: ShutdownDaemonParams, peer: Peer) -> ShutdownReply:
        stopped, left = await self._supervisor.stop_all(params, peer.client(params.get("client")))
        self._quit_soon()
        return {"pid": os.getpid(), "stopped": stopped, "left_running": left}

    async def _discover(self, params: NoParams, peer: Peer) -> dict[str, object]:
        return openrpc_document(__version__)


def hello(instance: str) -> Hello:
    """The first line on every connection."""
    return {"protocol": PROTOCOL_VERSION, "version": __version__, "pid": os.getpid(), "instance": instance}


async def _project(params: CallerParams) -> str | None:
    directory = params.get("working_directory")
    if not directory:
        return None
    return await anyio.to_thread.run_sync(lambda: project_root(os.path.realpath(directory)))
