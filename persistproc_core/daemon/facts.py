"""What the front ends are told of a process: its record, and what the kernel says of its processes right now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypedDict

import anyio

from ..protocol import ClientInfo, Listener, ProcessInfo, RunInfo
from .ending import Ender
from .kernel.ports import listeners_by_run
from .kernel.process_table import Process as Member
from .kernel.usage import Usage, UsageMeter
from .looks import Looks
from .model import Plan, Process, Run
from .ports.urls import Urls
from .projects import project_name
from .usage.connected import Connected
from .usage.limits import expires_at
from .usage.uses import Uses
from .waiting.prompts import Finding, Prompts, Question

__all__ = ["Facts", "run_info"]


class _Measured(NamedTuple):
    ports: list[Listener]
    usage: Usage
    pids: list[int]
    url: str | None


class Facts:
    """Builds the replies."""

    def __init__(self, ender: Ender, prompts: Prompts, uses: Uses, connected: Connected) -> None:
        self._ender = ender
        self._prompts = prompts
        self._uses = uses
        self._connected = connected
        self._meter = UsageMeter()
        self._urls = Urls()
        self._looks = Looks(self._look)

    def plain(self, process: Process, run: Run | None = None) -> ProcessInfo:
        """Without asking the kernel: what a start or stop answers."""
        run = run or process.current
        assert run is not None
        return _info(process, run, None, self._uses)

    async def measured(self, processes: Iterable[Process]) -> list[ProcessInfo]:
        """With ports, cpu and memory, for all at one look."""
        return await self._measured(
            [(process, process.current) for process in processes if process.current is not None]
        )

    async def measured_run(self, process: Process, run: Run) -> ProcessInfo:
        """The same for one run, which may not be the newest any more when the answer is there.

        With a look at who is connected to its ports, for the time of the last use.
        """
        return (await self._measured([(process, run)], connections=True))[0]

    async def asks(self, process: Process, run_id: str) -> str | None:
        """What a run asks on its terminal or standard input, when it is blocked there."""
        run = next((run for run in process.runs if run.run_id == run_id), None)
        if run is None or not run.live:
            return None
        await self._prompts.look(process, run)
        return run.prompt

    async def _measured(self, runs: list[tuple[Process, Run]], *, connections: bool = False) -> list[ProcessInfo]:
        present = {run.run_id: (process, run) for process, run in runs if run.present}
        measured = await self._looks.at(present) if present else {}
        for process, run in runs if connections else ():
            if run.run_id in measured:
                await self._connected.note(process, measured[run.run_id].ports, measured[run.run_id].pids)
        return [_info(process, run, measured.get(run.run_id), self._uses) for process, run in runs]

    async def _look(self, wanted: Mapping[str, tuple[Process, Run]]) -> dict[str, _Measured]:
        runs = {run_id: run for run_id, (_, run) in wanted.items()}
        measured, findings = await self._ender.look(runs.values(), lambda members: self._measure(members, runs))
        for finding in findings:
            await self._prompts.note(wanted[finding.run.run_id][0], finding)
        return measured

    def _measure(
        self, members: dict[str, list[Member]], runs: dict[str, Run]
    ) -> tuple[dict[str, _Measured], list[Finding]]:
        pids = {run_id: [process.pid for process in found] for run_id, found in members.items()}
        ports = listeners_by_run(pids)
        usages = self._meter.measure(pids)
        urls = {run_id: self._urls.put(runs[run_id], ports[run_id]) for run_id in pids}
        measured = {
            run_id: _Measured(ports[run_id], usages[run_id], found, urls[run_id]) for run_id, found in pids.items()
        }
        questions = [
            Question(run, pids[run_id]) for run_id, run in runs.items() if run.live and not run.foreign and pids[run_id]
        ]
        return measured, self._prompts.find(questions)


def _info(process: Process, run: Run, measured: _Measured | None, uses: Uses) -> ProcessInfo:
    survivors = list(run.survivors)
    if measured is not None and not run.live:
        survivors = measured.pids
    return {
        "name": process.name,
        "project": project_name(process.project_directory),
        "project_directory": process.project_directory,
        "state": "restarting" if _plan(process, run) else run.state,
        "pid": run.pid,
        "run": run.number,
        "run_id": run.run_id,
        "command": run.command.text,
        "argv": list(run.command.argv),
        "shell": run.command.shell,
        "working_directory": run.working_directory,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "exit_code": run.exit_code,
        "signal": run.signal,
        "reason": _reason(process, run),
        "ports": measured.ports if measured else [],
        "url": measured.url if measured else None,
        "assigned_ports": dict(run.settings.assigned_ports),
        "ready": run.ready,
        "ready_at": run.ready_at,
        "ready_seconds": run.ready_seconds,
        "ready_by": run.ready_by,
        **_who(run),
        "protected_by": process.protection.by if process.protection else None,
        "cpu_percent": measured.usage.cpu_percent if measured else None,
        "memory_bytes": measured.usage.memory_bytes if measured else None,
        "processes": len(measured.pids) if measured else int(run.live),
        "survivors": survivors,
        "runs": len(process.runs),
        "tty": run.settings.tty,
        "captured": run.captured,
        "adopted": run.adopted,
        "defined": run.settings.defined,
        "tags": list(run.settings.tags),
        "watch": list(run.settings.watch),
        "waiting_for_input": run.prompt if run.live else None,
        "restart": process.options.restart,
        "restarts": run.restarts,
        "restart_at": process.restart_at if _plan(process, run) else None,
        "autostart": process.options.autostart,
        "ttl_seconds": process.options.ttl_seconds,
        "idle_timeout_seconds": process.options.idle_timeout_seconds,
        "expires_at": expires_at(process, uses) if run is process.current else None,
        "last_used_at": uses.last_used_at(process),
        "stale": None,
    }


def _plan(process: Process, run: Run) -> Plan | None:
    return process.planned if run is process.current else None


def _reason(process: Process, run: Run) -> str | None:
    """With the restart that is planned: told afresh each time, for it comes nearer."""
    plan = _plan(process, run)
    return run.reason if plan is None else f"{run.reason}; {plan.words(anyio.current_time())}"


class _Who(TypedDict):
    started_by: ClientInfo
    start_reason: str | None
    replaced_run: int | None
    stopped_by: ClientInfo | None
    stop_reason: str | None


def _who(run: Run) -> _Who:
    return {
        "started_by": run.started_by,
        "start_reason": run.start_reason,
        "replaced_run": run.replaced_run,
        "stopped_by": run.stop.by if run.stop else None,
        "stop_reason": run.stop.reason if run.stop else None,
    }


def run_info(run: Run) -> RunInfo:
    """One line of a process's history."""
    return {
        "run": run.number,
        "run_id": run.run_id,
        "state": run.state,
        "pid": run.pid,
        "command": run.command.text,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "exit_code": run.exit_code,
        "signal": run.signal,
        "reason": run.reason,
        **_who(run),
    }
