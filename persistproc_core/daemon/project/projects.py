"""What the three methods about projects do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

import anyio

from ...errors import PersistprocError, ProjectInvalid, ProjectNotFound
from ...project_file.model import ProjectFile
from ...protocol import (
    ActParams,
    ClientInfo,
    GetProjectParams,
    ProcessResult,
    ProjectReply,
    StartProjectParams,
    StartProjectReply,
    StopProjectParams,
    StopProjectReply,
)
from .. import environment as environments
from ..control import Control
from ..facts import Facts
from ..model import Process
from ..ports.ports import Ports
from ..projects import project_name
from . import preflight
from .allowing import approval_of, check_approved, each_approval
from .approval import Approvals
from .crossing import Crossing, Stopped
from .deciding import Decision, is_running
from .down import Down, needed_by
from .plan import Plan
from .ports import ports_of
from .reading import directory_of, read
from .selection import matching, wanted_with
from .told import infos_of, is_good, told
from .up import Tools, Up

__all__ = ["Projects"]

_TIMEOUT_SECONDS = 120.0


class Projects:
    """Tells of projects, brings them up and takes them down."""

    def __init__(self, tools: Tools, control: Control, facts: Facts, ports: Ports, approvals: Approvals) -> None:
        self._tools = tools
        self._registry = tools.registry
        self._control = control
        self._facts = facts
        self._ports = ports
        self._approvals = approvals
        self._crossing = Crossing()

    # --- get ----------------------------------------------------------------------------------------------------------

    async def get(self, params: GetProjectParams) -> ProjectReply:
        """The file, what of it runs, and what a start would do."""
        file = await read(await directory_of(params))
        removed = self._removed(file)
        named = matching(file, params["names"], {}) if "names" in params else None
        meant = wanted_with(file, named, self._running(file))
        plan = await self._plan(file, named or set(file.processes), params.get("names", []), _base({}), moving=False)
        decisions = {name: await plan.decide(wanted) for name, wanted in plan.wanted.items() if name in meant}
        infos = await infos_of(file.directory, plan.wanted, self._registry, self._facts)
        allowed = await self._approvals.read()
        approval = await approval_of(allowed, file)
        each = each_approval(allowed, file, approval)
        return {
            "project": project_name(file.directory),
            "project_directory": file.directory,
            "file": file.path,
            "format": file.format,
            "digest": file.digest,
            "approved": approval.allowed,
            "approved_before": approval.before,
            "processes": [
                told(wanted, plan.ports, decisions.get(name, Decision("none")), infos.get(name), each[name])
                for name, wanted in plan.wanted.items()
            ],
            "removed": [process.name for process in removed],
        }

    async def _plan(
        self, file: ProjectFile, names: Collection[str], words: Collection[str], base: dict[str, str], *, moving: bool
    ) -> Plan:
        """What the file asks for under these names. ``words``: as they were asked for."""
        ports = await ports_of(file, self._registry, self._ports.leases, moving=moving)
        plan = Plan(file, ports, self._registry, self._ports.filled, base, words)
        await plan.add(names)
        return plan

    def _running(self, file: ProjectFile) -> set[str]:
        """Names of what runs and was started from the file."""
        return {process.name for process in self._defined(file.directory) if is_running(process)}

    def _defined(self, project_directory: str) -> list[Process]:
        processes = self._registry.in_project(project_directory)
        return [process for process in processes if process.runs and process.runs[-1].settings.defined]

    def _removed(self, file: ProjectFile) -> list[Process]:
        return [process for process in self._defined(file.directory) if process.name not in file.processes]

    # --- start --------------------------------------------------------------------------------------------------------

    async def start(self, params: StartProjectParams, client: ClientInfo) -> StartProjectReply:
        """Bring it up. Who is cancelled leaves what has begun to itself, and nothing more is started."""
        began = anyio.current_time()
        deadline = began + params.get("timeout_seconds", _TIMEOUT_SECONDS)
        directory = await directory_of(params)
        await self._crossing.downs_over(directory, deadline)
        with self._crossing.up(directory) as stopped:
            return await self._start(params, client, stopped, directory, began, deadline)

    async def _start(
        self,
        params: StartProjectParams,
        client: ClientInfo,
        stopped: Stopped,
        directory: str,
        began: float,
        deadline: float,
    ) -> StartProjectReply:
        file = await read(directory)
        words = params.get("names")
        named = matching(file, words, {}) if words is not None else None
        await check_approved(self._approvals, file, params.get("approve"))
        meant = wanted_with(file, named, self._running(file))
        plan = await self._plan(file, meant, words or [], _base(params), moving=True)
        starting = {name for name, each in plan.wanted.items() if _is_begun(await plan.decide(each), params)}
        await preflight.check_programs(file, plan.wanted.values(), starting)
        removed = await self._remove(file, params, client)
        left = {process.name for process in self._removed(file)}
        await preflight.check_ports(file, plan.wanted.values(), starting, self._ports.conflicts, left)
        up = Up(self._tools, plan, params, client, stopped=stopped, deadline=deadline)
        results = [*await up.run(), *removed]
        infos = await infos_of(file.directory, [each["name"] for each in results], self._registry, self._facts)
        for each in results:
            each["process"] = infos.get(each["name"])
        return {
            "project": project_name(file.directory),
            "project_directory": file.directory,
            "file": file.path,
            "ready": all(is_good(each) for each in results),
            "results": results,
            "removed": [process.name for process in self._removed(file)],
            "elapsed_seconds": round(anyio.current_time() - began, 3),
        }

    async def _remove(self, file: ProjectFile, params: StartProjectParams, client: ClientInfo) -> list[ProcessResult]:
        """Stop and forget what is no longer in the file, where that is asked for."""
        removed = self._removed(file) if params.get("remove", False) else []
        if not removed:
            return []
        # How it is ended is what it says itself: force is about protection alone.
        asked = StopProjectParams(reason=params.get("reason", ""))
        return await self._tools.deeds.run("start_project", partial(self._forget, removed, asked, params, client))

    async def _forget(
        self, removed: list[Process], asked: StopProjectParams, params: StartProjectParams, client: ClientInfo
    ) -> list[ProcessResult]:
        if params.get("force", False):
            asked["force"] = True
            asked["signal"] = "SIGTERM"
        results = await self._take_down(removed[0].project_directory, needed_by(None, removed), asked, client)
        for each in results:
            process = self._registry.get(removed[0].project_directory, each["name"])
            if each["outcome"] == "failed" or process is None:
                continue
            try:
                await self._control.remove(process, _act(process, params), client)
                each["outcome"] = "removed"
                each["reason"] = "it is no longer in the file"
            except PersistprocError as error:
                each["outcome"], each["reason"], each["hint"] = "failed", error.message, error.hint or None
        return results

    # --- stop ---------------------------------------------------------------------------------------------------------

    async def stop(self, params: StopProjectParams, client: ClientInfo) -> StopProjectReply:
        """Take it down, also when its file is gone or wrong: what was started from it is known."""
        directory = await directory_of(params)
        file: ProjectFile | None = None
        problem: PersistprocError | None = None
        try:
            file = await read(directory)
        except (ProjectNotFound, ProjectInvalid) as error:
            problem = error
        chosen = self._chosen(directory, file, params)
        if problem is not None and not chosen:
            raise problem
        processes = [process for process in chosen.values() if process is not None]
        order = {**{name: set[str]() for name in chosen}, **needed_by(file, processes)}
        names, reason = (set(chosen) if "names" in params else None), f"stopped meanwhile by {client['name']}"
        with self._crossing.down(directory, names, reason):
            results = await self._take_down(directory, order, params, client)
        infos = await infos_of(directory, chosen, self._registry, self._facts)
        for each in results:
            each["process"] = infos.get(each["name"])
        return {"project": project_name(directory), "project_directory": directory, "results": results}

    def _chosen(self, directory: str, file: ProjectFile | None, params: StopProjectParams) -> dict[str, Process | None]:
        defined = self._defined(directory)
        if "names" in params:
            names = matching(file, params["names"], {each.name: each.runs[-1].settings.tags for each in defined})
            found = {name: self._registry.get(directory, name) for name in names}
            return {name: process if process and process.runs else None for name, process in sorted(found.items())}
        live = [process for process in self._registry.in_project(directory) if _is_there(process)]
        return {process.name: process for process in [*defined, *(live if params.get("all", False) else [])]}

    async def _take_down(
        self, directory: str, order: Mapping[str, set[str]], params: StopProjectParams, client: ClientInfo
    ) -> list[ProcessResult]:
        supervisor, turns = self._tools.supervisor, self._tools.turns
        return await Down(self._registry, supervisor, turns, directory, order, params, client).run()


def _base(params: StartProjectParams) -> dict[str, str]:
    """The caller's environment. Raises `InvalidParams` for a name that cannot be."""
    given = params.get("environment", {})
    environments.check(given)
    inherited = environments.of_the_hub() if params.get("inherit_environment", True) else {}
    return {**inherited, **given}


def _is_begun(decision: Decision, params: StartProjectParams) -> bool:
    return decision.action != "none" or (params.get("restart", False) and not decision.is_done)


def _is_there(process: Process) -> bool:
    return bool(process.runs) and (process.runs[-1].present or process.planned is not None)


def _act(process: Process, params: StartProjectParams) -> ActParams:
    act = ActParams(process=process.name, force=params.get("force", False))
    if params.get("reason"):
        act["reason"] = params["reason"]
    return act
