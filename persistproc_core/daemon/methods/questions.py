"""The methods that tell about processes, their output and their ports, and change none of them."""

from __future__ import annotations

from typing import Any

from ...protocol import (
    CallerParams,
    GetNewsParams,
    GetPortParams,
    GetProcessOutputParams,
    GetProcessStatusParams,
    ListProcessesParams,
    ListReply,
    MarkInfo,
    MarksReply,
    NewsReply,
    OutputReply,
    PortReply,
    ProcessInfo,
    SetMarkParams,
    StatusReply,
    TargetParams,
)
from .. import environment as environments
from ..answers.bookmarks import Bookmarks
from ..answers.output import Output
from ..events.news import News
from ..facts import Facts, run_info
from ..kernel.peer import Peer
from ..known_environment import known_environment
from ..model import Process
from ..ports.ports import Ports
from ..registry import Registry
from ..usage.staleness import Staleness, asked_unused_seconds
from ..usage.uses import Uses
from ..waiting.waiting import Waiting
from .places import find, own_project, project_of

__all__ = ["Questions"]


class Questions:
    """Translates between the protocol and the parts that know."""

    def __init__(
        self,
        *,
        registry: Registry,
        facts: Facts,
        output: Output,
        waiting: Waiting,
        bookmarks: Bookmarks,
        news: News,
        staleness: Staleness,
        uses: Uses,
        ports: Ports,
    ) -> None:
        self._registry = registry
        self._facts = facts
        self._output = output
        self._waiting = waiting
        self._bookmarks = bookmarks
        self._news = news
        self._staleness = staleness
        self._uses = uses
        self._ports = ports

    async def list_processes(self, params: ListProcessesParams, peer: Peer) -> ListReply:
        """Those of a project or of all; by ``unused_seconds`` only the stale ones."""
        unused_seconds = asked_unused_seconds(params)
        project = await project_of(params)
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

    async def get_process_status(self, params: GetProcessStatusParams, peer: Peer) -> StatusReply:
        """One process, with its former runs."""
        process = await find(self._registry, params)
        run = process.runs[-1]
        info = await self._facts.measured_run(process, run)
        while process.runs and process.runs[-1] is not run:
            # Another one began meanwhile: who is told of the old one alone takes the process for ended.
            run = process.runs[-1]
            info = await self._facts.measured_run(process, run)
        info["stale"] = (await self._staleness.find([process])).get(process)
        known = await known_environment(run)
        given = params.get("environment")
        return {
            **info,
            "history": [run_info(old) for old in reversed(process.runs)],
            "environment_names": sorted(known or ()),
            "log_directory": run.directory,
            "differences": environments.difference(given, known) if given is not None and known is not None else [],
        }

    async def get_process_output(self, params: GetProcessOutputParams, peer: Peer) -> OutputReply:
        """A page of its output."""
        process = await find(self._registry, params)
        with self._uses.using(process):
            reply = await self._output.get(process, params)
        if not reply["more"] and all(line.get("partial") for line in reply["lines"][-1:]):
            # Only an open line can be a question, so other reads are spared the look at the kernel. Where nothing is
            # new, it may have been returned before, and is a question still.
            reply["waiting_for_input"] = await self._facts.asks(process, reply["run_id"])
        return reply

    async def get_process_log_paths(self, params: TargetParams, peer: Peer) -> object:
        """Where its output lies on disk."""
        return await self._output.paths(await find(self._registry, params))

    async def wait_for_process(self, params: Any, peer: Peer) -> object:
        """Wait until something is true of it."""
        process = await find(self._registry, params)
        with self._uses.using(process):
            return await self._waiting.wait(process, params)

    async def set_mark(self, params: SetMarkParams, peer: Peer) -> MarkInfo:
        """Set a mark in the output of a project's processes."""
        return await self._bookmarks.set(await own_project(params), params["name"])

    async def list_marks(self, params: CallerParams, peer: Peer) -> MarksReply:
        """The marks of a project."""
        return {"marks": self._bookmarks.list(await own_project(params))}

    async def get_news(self, params: GetNewsParams, peer: Peer) -> NewsReply:
        """What has happened since the caller asked last."""
        project = None if params.get("all_projects", False) else await project_of(params)
        return await self._news.get(peer.client(params.get("client")), project, params.get("limit"))

    async def get_port(self, params: GetPortParams, peer: Peer) -> PortReply:
        """Who has a port."""
        return await self._ports.get(params["port"])
