"""The methods that do something to a process."""

from __future__ import annotations

import os
from typing import Any, cast

import anyio

from ...errors import StartFailed
from ...protocol import (
    ActParams,
    AdoptProcessParams,
    CaptureProcessParams,
    CaptureReply,
    ConfigureProcessParams,
    InputReply,
    ProcessInfo,
    ProtectProcessParams,
    PruneProcessesParams,
    PruneReply,
    RemoveReply,
    ResizeTerminalParams,
    RestartProcessParams,
    RestartReply,
    SendProcessInputParams,
    SignalProcessParams,
    StartProcessParams,
    StartReply,
    StopProcessParams,
    StopReply,
)
from ..adopting.adopting import Adopting
from ..answers.output import Output
from ..capturing import Capturing
from ..configuring import Configuring
from ..control import Control
from ..facts import Facts
from ..keeping.pruning import Pruning
from ..kernel.peer import Peer
from ..projects import project_name
from ..protection import Protecting
from ..registry import Registry
from ..supervisor import Supervisor
from ..usage.uses import Uses
from .places import find, project_of

__all__ = ["Verbs"]


class Verbs:
    """Translates between the protocol and the parts that act on processes."""

    def __init__(
        self,
        *,
        registry: Registry,
        supervisor: Supervisor,
        control: Control,
        facts: Facts,
        output: Output,
        protecting: Protecting,
        configuring: Configuring,
        pruning: Pruning,
        uses: Uses,
        capturing: Capturing,
        adopting: Adopting,
    ) -> None:
        self._registry = registry
        self._supervisor = supervisor
        self._control = control
        self._facts = facts
        self._output = output
        self._protecting = protecting
        self._configuring = configuring
        self._pruning = pruning
        self._uses = uses
        self._capturing = capturing
        self._adopting = adopting

    async def start_process(self, params: StartProcessParams, peer: Peer) -> StartReply:
        """Start or join."""
        started = await self._supervisor.start(params, peer.client(params.get("client")))
        if started.joined:
            self._uses.used(started.process)
        info = self._facts.plain(started.process, started.run)
        return {**info, "already_running": started.joined, "differences": started.differences, "readiness": None}

    async def stop_process(self, params: StopProcessParams, peer: Peer) -> StopReply:
        """Stop; it need not run."""
        process = await find(self._registry, params)
        ending = await self._supervisor.stop(process, params, peer.client(params.get("client")))
        return {
            **self._facts.plain(process),
            "already_stopped": ending is None,
            "ended_by": ending.ended_by if ending else None,
            "stopped_pids": list(ending.pids) if ending else [],
        }

    async def restart_process(self, params: RestartProcessParams, peer: Peer) -> RestartReply:
        """A new run in the place of the newest. Raises `StartFailed` when it ended at once, unless asked to wait."""
        process = await find(self._registry, params)
        started = await self._supervisor.restart(process, params, peer.client(params.get("client")))
        info = self._facts.plain(process, started.run)
        if started.run.state in ("failed", "lost") and not params.get("wait", False):
            lines = await self._output.last_lines(started.run)
            raise StartFailed(
                f"{process.name} was started again and {started.run.reason} at once",
                hint="mend what its last lines say, then restart it"
                + (f"; it {process.planned.words(anyio.current_time())}" if process.planned else ""),
                data={"errno": None, "last_lines": lines, "process": info},
            )
        assert started.previous is not None
        return {
            **info,
            "previous_run": started.previous.number,
            "environment_from": cast("Any", started.environment_from),
            "differences": started.differences,
            "readiness": None,
        }

    async def signal_process(self, params: SignalProcessParams, peer: Peer) -> ProcessInfo:
        """Send a signal."""
        process = await find(self._registry, params)
        await self._control.signal(process, params, peer.client(params.get("client")))
        self._uses.used(process)
        return self._facts.plain(process)

    async def send_process_input(self, params: SendProcessInputParams, peer: Peer) -> InputReply:
        """Write to its standard input."""
        process = await find(self._registry, params)
        run, written = await self._control.send_input(process, params, peer.client(params.get("client")))
        self._uses.used(process)
        return {
            "name": process.name,
            "project": project_name(process.project_directory),
            "run": run.number,
            "bytes": written,
        }

    async def protect_process(self, params: ProtectProcessParams, peer: Peer) -> ProcessInfo:
        """Protect it from others, or no longer."""
        process = await find(self._registry, params)
        await self._protecting.protect(process, params, peer.client(params.get("client")))
        return self._facts.plain(process)

    async def configure_process(self, params: ConfigureProcessParams, peer: Peer) -> ProcessInfo:
        """Change its options."""
        process = await find(self._registry, params)
        await self._configuring.configure(process, params, peer.client(params.get("client")))
        return self._facts.plain(process)

    async def remove_process(self, params: ActParams, peer: Peer) -> RemoveReply:
        """Forget it, with its runs and their output."""
        process = await find(self._registry, params)
        runs = await self._control.remove(process, params, peer.client(params.get("client")))
        return {"name": process.name, "project": project_name(process.project_directory), "runs": runs}

    async def resize_terminal(self, params: ResizeTerminalParams, peer: Peer) -> ProcessInfo:
        """Change the size of its terminal."""
        process = await find(self._registry, params)
        await self._control.resize(process, params)
        self._uses.used(process)
        return self._facts.plain(process)

    async def capture_process(self, params: CaptureProcessParams, peer: Peer) -> CaptureReply:
        """Take in what a ``persistproc capture`` reads."""
        process = await self._capturing.capture(params, peer, peer.client(params.get("client")))
        return {**self._facts.plain(process), "path": os.path.join(process.runs[-1].directory, "stdout")}

    async def adopt_process(self, params: AdoptProcessParams, peer: Peer) -> ProcessInfo:
        """Take in a process that somebody else started."""
        process = await self._adopting.adopt(params, peer, peer.client(params.get("client")))
        return await self._facts.measured_run(process, process.runs[-1])

    async def prune_processes(self, params: PruneProcessesParams, peer: Peer) -> PruneReply:
        """Stop and delete what is not used."""
        everywhere = params.get("all_projects", False)
        project = None if everywhere else await project_of(params)
        return await self._pruning.prune(params, project, peer.client(params.get("client")))
