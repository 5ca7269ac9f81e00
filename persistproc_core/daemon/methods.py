"""The methods of the protocol: each takes validated parameters and gives the declared result."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any, cast

import anyio
import anyio.to_thread

from .. import __version__
from ..errors import InvalidParams, StartFailed
from ..protocol import (
    OLDEST_PROTOCOL,
    PROTOCOL_VERSION,
    ActParams,
    AdoptProcessParams,
    CallerParams,
    CancelReply,
    CancelSubscriptionParams,
    CaptureProcessParams,
    CaptureReply,
    ConfigureProcessParams,
    DaemonStatus,
    FollowProcessOutputParams,
    FollowReply,
    GetNewsParams,
    GetPortParams,
    GetProcessOutputParams,
    GetProcessStatusParams,
    GetProjectParams,
    Hello,
    InputReply,
    ListProcessesParams,
    ListReply,
    MarkInfo,
    MarksReply,
    NewsReply,
    NoParams,
    OutputReply,
    PortReply,
    ProcessInfo,
    ProjectReply,
    ProtectProcessParams,
    PruneProcessesParams,
    PruneReply,
    RemoveReply,
    ReplaceDaemonParams,
    ReplaceReply,
    ResizeTerminalParams,
    RestartProcessParams,
    RestartReply,
    SendProcessInputParams,
    SetMarkParams,
    ShutdownDaemonParams,
    ShutdownReply,
    SignalProcessParams,
    StartProcessParams,
    StartProjectParams,
    StartProjectReply,
    StartReply,
    StatusReply,
    StopProcessParams,
    StopProjectParams,
    StopProjectReply,
    StopReply,
    TargetParams,
    WatchProcessesParams,
    WatchReply,
)
from ..schema import openrpc_document
from . import environment as environments
from .adopting.adopting import Adopting
from .answers.bookmarks import Bookmarks
from .answers.output import Output
from .capturing import Capturing
from .configuring import Configuring
from .control import Control
from .deeds import Deeds
from .dispatch import Handler
from .events.news import News
from .facts import Facts, run_info
from .handover.gate import Gate
from .handover.replacing import Replacing
from .keeping.pruning import Pruning
from .kernel.peer import Peer
from .model import Process
from .ports.ports import Ports
from .project.projects import Projects
from .projects import project_name, project_root
from .protection import Protecting
from .readiness.awaiting import Awaiting
from .registry import Registry
from .subscriptions.following import Following
from .supervisor import Supervisor
from .usage.staleness import Staleness, asked_unused_seconds
from .usage.uses import Uses
from .waiting.waiting import Waiting

__all__ = ["Methods", "hello"]


class Methods:
    """Translates between the protocol and the daemon's parts."""

    def __init__(
        self,
        *,
        deeds: Deeds,
        registry: Registry,
        supervisor: Supervisor,
        control: Control,
        facts: Facts,
        output: Output,
        waiting: Waiting,
        awaiting: Awaiting,
        following: Following,
        bookmarks: Bookmarks,
        news: News,
        protecting: Protecting,
        configuring: Configuring,
        pruning: Pruning,
        staleness: Staleness,
        uses: Uses,
        ports: Ports,
        projects: Projects,
        capturing: Capturing,
        adopting: Adopting,
        gate: Gate,
        replacing: Replacing,
        daemon_facts: Callable[[], Awaitable[DaemonStatus]],
        quit_soon: Callable[[], None],
    ) -> None:
        self._deeds = deeds
        self._registry = registry
        self._supervisor = supervisor
        self._control = control
        self._facts = facts
        self._output = output
        self._waiting = waiting
        self._awaiting = awaiting
        self._following = following
        self._bookmarks = bookmarks
        self._news = news
        self._protecting = protecting
        self._configuring = configuring
        self._pruning = pruning
        self._staleness = staleness
        self._uses = uses
        self._ports = ports
        self._projects = projects
        self._capturing = capturing
        self._adopting = adopting
        self._gate = gate
        self._replacing = replacing
        self._daemon_facts = daemon_facts
        self._quit_soon = quit_soon

    def handlers(self) -> dict[str, Handler]:
        """A handler for each declared method."""
        return {
            "start_process": self._awaiting.after(self._to_end(self._start_process)),
            "stop_process": self._to_end(self._stop_process),
            "restart_process": self._awaiting.after(self._to_end(self._restart_process)),
            "list_processes": self._question(self._list_processes),
            "get_process_status": self._question(self._get_process_status),
            "get_process_output": self._question(self._get_process_output),
            "follow_process_output": self._question(self._follow_process_output),
            "watch_processes": self._question(self._watch_processes),
            "get_news": self._question(self._get_news),
            "cancel_subscription": self._question(self._cancel_subscription),
            "set_mark": self._question(self._set_mark),
            "list_marks": self._question(self._list_marks),
            "get_process_log_paths": self._question(self._get_process_log_paths),
            "wait_for_process": self._question(self._wait_for_process),
            "send_process_input": self._to_end(self._send_process_input),
            "resize_terminal": self._question(self._resize_terminal),
            "capture_process": self._to_end(self._capture_process),
            "signal_process": self._to_end(self._signal_process),
            "protect_process": self._to_end(self._protect_process),
            "configure_process": self._to_end(self._configure_process),
            "remove_process": self._to_end(self._remove_process),
            "prune_processes": self._to_end(self._prune_processes),
            "get_project": self._question(self._get_project),
            "start_project": self._question(self._start_project),
            "stop_project": self._to_end(self._stop_project),
            "get_port": self._question(self._get_port),
            "adopt_process": self._to_end(self._adopt_process),
            "get_daemon_status": self._question(self._get_daemon_status),
            "shutdown_daemon": self._to_end(self._shutdown_daemon),
            "replace_daemon": self._to_end(self._replace_daemon, awaited=False),
            "rpc.discover": self._question(self._discover),
        }

    def _question(self, handler: Handler) -> Handler:
        """What changes nothing is cut short when the daemon is replaced, and asked again."""

        async def handle(params: Any, peer: Peer) -> object:
            return await self._gate.question(lambda: handler(params, peer))

        return handle

    def _to_end(self, handler: Handler, *, awaited: bool = True) -> Handler:
        """What changes something goes on when its caller hangs up: half a stop would be worse than either whole.

        ``awaited``: a replacement of the daemon waits for it.
        """
        name = getattr(handler, "__name__", "_").removeprefix("_")

        async def handle(params: Any, peer: Peer) -> object:
            return await self._deeds.run(name, lambda: handler(params, peer), awaited=awaited)

        return handle

    async def _find(self, params: TargetParams) -> Process:
        return self._registry.find(params["process"], await _project(params))

    # --- verbs --------------------------------------------------------------------------------------------------------

    async def _start_process(self, params: StartProcessParams, peer: Peer) -> StartReply:
        started = await self._supervisor.start(params, peer.client(params.get("client")))
        if started.joined:
            self._uses.used(started.process)
        info = self._facts.plain(started.process, started.run)
        return {**info, "already_running": started.joined, "differences": started.differences, "readiness": None}

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

    async def _signal_process(self, params: SignalProcessParams, peer: Peer) -> ProcessInfo:
        process = await self._find(params)
        await self._control.signal(process, params, peer.client(params.get("client")))
        self._uses.used(process)
        return self._facts.plain(process)

    async def _send_process_input(self, params: SendProcessInputParams, peer: Peer) -> InputReply:
        process = await self._find(params)
        run, written = await self._control.send_input(process, params, peer.client(params.get("client")))
        self._uses.used(process)
        return {
            "name": process.name,
            "project": project_name(process.project_directory),
            "run": run.number,
            "bytes": written,
        }

    async def _protect_process(self, params: ProtectProcessParams, peer: Peer) -> ProcessInfo:
        process = await self._find(params)
        await self._protecting.protect(process, params, peer.client(params.get("client")))
        return self._facts.plain(process)

    async def _configure_process(self, params: ConfigureProcessParams, peer: Peer) -> ProcessInfo:
        process = await self._find(params)
        await self._configuring.configure(process, params, peer.client(params.get("client")))
        return self._facts.plain(process)

    async def _remove_process(self, params: ActParams, peer: Peer) -> RemoveReply:
        process = await self._find(params)
        runs = await self._control.remove(process, params, peer.client(params.get("client")))
        return {"name": process.name, "project": project_name(process.project_directory), "runs": runs}

    async def _resize_terminal(self, params: ResizeTerminalParams, peer: Peer) -> ProcessInfo:
        process = await self._find(params)
        await self._control.resize(process, params)
        self._uses.used(process)
        return self._facts.plain(process)

    async def _capture_process(self, params: CaptureProcessParams, peer: Peer) -> CaptureReply:
        process = await self._capturing.capture(params, peer, peer.client(params.get("client")))
        return {**self._facts.plain(process), "path": os.path.join(process.runs[-1].directory, "stdout")}

    async def _prune_processes(self, params: PruneProcessesParams, peer: Peer) -> PruneReply:
        everywhere = params.get("all_projects", False)
        project = None if everywhere else await _project(params)
        return await self._pruning.prune(params, project, peer.client(params.get("client")))

    # --- questions ----------------------------------------------------------------------------------------------------

    async def _list_processes(self, params: ListProcessesParams, peer: Peer) -> ListReply:
        unused_seconds = asked_unused_seconds(params)
        project = await _project(params)
        everywhere = params.get("all_projects", False) or project is None
        processes = [
            process
            for process in self._registry
            if (everywhere or process.project_directory == project)
            and process.current is not None
            and (process.current.present or process.planned is not None or not params.get("running", False))
        ]
        if unused_seconds is not None:
            return {"processes": await self._stale(processes, unused_seconds)}
        return {"processes": await self._facts.measured(processes)}

    async def _stale(self, processes: list[Process], unused_seconds: float) -> list[ProcessInfo]:
        reasons = await self._staleness.find(processes, unused_seconds)
        told = {process.runs[-1].run_id: reason for process, reason in reasons.items() if process.runs}
        infos = await self._facts.measured(reasons)
        for info in infos:
            info["stale"] = told.get(info["run_id"])
        return [info for info in infos if info["stale"] is not None]

    async def _get_process_status(self, params: GetProcessStatusParams, peer: Peer) -> StatusReply:
        process = await self._find(params)
        run = process.runs[-1]
        info = await self._facts.measured_run(process, run)
        while process.runs and process.runs[-1] is not run:
            # Another one began meanwhile: who is told of the old one alone takes the process for ended.
            run = process.runs[-1]
            info = await self._facts.measured_run(process, run)
        info["stale"] = (await self._staleness.find([process])).get(process)
        known = await self._supervisor.environment(run)
        given = params.get("environment")
        return {
            **info,
            "history": [run_info(old) for old in reversed(process.runs)],
            "environment_names": sorted(known or ()),
            "log_directory": run.directory,
            "differences": environments.difference(given, known) if given is not None and known is not None else [],
        }

    async def _get_process_output(self, params: GetProcessOutputParams, peer: Peer) -> OutputReply:
        process = await self._find(params)
        with self._uses.using(process):
            reply = await self._output.get(process, params)
        if not reply["more"] and all(line.get("partial") for line in reply["lines"][-1:]):
            # Only an open line can be a question, so other reads are spared the look at the kernel. Where nothing is
            # new, it may have been returned before, and is a question still.
            reply["waiting_for_input"] = await self._facts.asks(process, reply["run_id"])
        return reply

    async def _get_process_log_paths(self, params: TargetParams, peer: Peer) -> object:
        return await self._output.paths(await self._find(params))

    async def _wait_for_process(self, params: Any, peer: Peer) -> object:
        process = await self._find(params)
        with self._uses.using(process):
            return await self._waiting.wait(process, params)

    async def _set_mark(self, params: SetMarkParams, peer: Peer) -> MarkInfo:
        return await self._bookmarks.set(await _own_project(params), params["name"])

    async def _list_marks(self, params: CallerParams, peer: Peer) -> MarksReply:
        return {"marks": self._bookmarks.list(await _own_project(params))}

    async def _get_news(self, params: GetNewsParams, peer: Peer) -> NewsReply:
        project = None if params.get("all_projects", False) else await _project(params)
        return await self._news.get(peer.client(params.get("client")), project, params.get("limit"))

    # --- projects and ports -------------------------------------------------------------------------------------------

    async def _get_project(self, params: GetProjectParams, peer: Peer) -> ProjectReply:
        return await self._projects.get(params)

    async def _start_project(self, params: StartProjectParams, peer: Peer) -> StartProjectReply:
        # Its waits are cut short; each start and restart in it goes on to its end.
        return await self._projects.start(params, peer.client(params.get("client")))

    async def _stop_project(self, params: StopProjectParams, peer: Peer) -> StopProjectReply:
        return await self._projects.stop(params, peer.client(params.get("client")))

    async def _get_port(self, params: GetPortParams, peer: Peer) -> PortReply:
        return await self._ports.get(params["port"])

    async def _adopt_process(self, params: AdoptProcessParams, peer: Peer) -> ProcessInfo:
        process = await self._adopting.adopt(params, peer, peer.client(params.get("client")))
        return await self._facts.measured_run(process, process.runs[-1])

    # --- subscriptions ------------------------------------------------------------------------------------------------

    async def _follow_process_output(self, params: FollowProcessOutputParams, peer: Peer) -> FollowReply:
        return await self._following.follow(params, await _project(params), peer)

    async def _watch_processes(self, params: WatchProcessesParams, peer: Peer) -> WatchReply:
        return await self._following.watch(params, await _project(params), peer)

    async def _cancel_subscription(self, params: CancelSubscriptionParams, peer: Peer) -> CancelReply:
        assert peer.subscriptions is not None
        peer.subscriptions.cancel(params["subscription"])
        return {"subscription": params["subscription"]}

    # --- the daemon ---------------------------------------------------------------------------------------------------

    async def _get_daemon_status(self, params: NoParams, peer: Peer) -> DaemonStatus:
        return await self._daemon_facts()

    async def _shutdown_daemon(self, params: ShutdownDaemonParams, peer: Peer) -> ShutdownReply:
        stopped, left = await self._supervisor.stop_all(params, peer.client(params.get("client")))
        self._quit_soon()
        return {"pid": os.getpid(), "stopped": stopped, "left_running": left}

    async def _replace_daemon(self, params: ReplaceDaemonParams, peer: Peer) -> ReplaceReply:
        reply = await self._replacing.replace(params)
        self._quit_soon()
        return reply

    async def _discover(self, params: NoParams, peer: Peer) -> dict[str, object]:
        return openrpc_document(__version__)


def hello(instance: str) -> Hello:
    """The first line on every connection."""
    return {
        "protocol": PROTOCOL_VERSION,
        "oldest_protocol": OLDEST_PROTOCOL,
        "version": __version__,
        "pid": os.getpid(),
        "instance": instance,
    }


async def _own_project(params: CallerParams) -> str:
    project = await _project(params)
    if project is None:
        raise InvalidParams("working_directory is needed: marks belong to a project")
    return project


async def _project(params: CallerParams) -> str | None:
    directory = params.get("working_directory")
    if not directory:
        return None
    return await anyio.to_thread.run_sync(lambda: project_root(os.path.realpath(directory)))
