"""Taking processes down: each after those that need it, in parallel otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio

from ...errors import PersistprocError, ProcessNotFound
from ...project_file.model import ProjectFile
from ...protocol import ClientInfo, ProcessResult, StopProcessParams, StopProjectParams
from ..model import Process
from ..registry import Registry
from ..supervisor import Supervisor
from .steps import Milestone, result
from .turns import Turns

__all__ = ["Down", "needed_by"]


def needed_by(file: ProjectFile | None, processes: Sequence[Process]) -> dict[str, set[str]]:
    """Which of these have to be stopped before each.

    Without a file only the order in which they were started tells: each goes after those that came later.
    """
    names = [process.name for process in processes]
    if file is None:
        started = sorted(processes, key=lambda process: process.runs[-1].started_at)
        return {process.name: {each.name for each in started[number + 1 :]} for number, process in enumerate(started)}
    return {
        name: {other for other in names if other in file.processes and name in file.processes[other].needs}
        for name in names
    }


class Down:
    """One request to take processes down."""

    def __init__(
        self,
        registry: Registry,
        supervisor: Supervisor,
        turns: Turns,
        project_directory: str,
        order: Mapping[str, set[str]],
        params: StopProjectParams,
        client: ClientInfo,
    ) -> None:
        """``order``: what is to be stopped, each with what has to be stopped before."""
        self._registry = registry
        self._supervisor = supervisor
        self._turns = turns
        self._project_directory = project_directory
        self._order = order
        self._params = params
        self._client = client
        self._stopped = {name: Milestone() for name in order}
        self._results: list[ProcessResult] = []

    async def run(self) -> list[ProcessResult]:
        """What became of each, in the order in which they were stopped."""
        async with anyio.create_task_group() as group:
            for name in self._order:
                group.start_soon(self._take_down, name)
        return self._results

    async def _take_down(self, name: str) -> None:
        began = anyio.current_time()
        found = result(name)
        try:
            left = await self._needed(name)
            if left:
                # Whoever needs it would lose it: that one is protected, or cannot be ended.
                found["outcome"] = "failed"
                found["reason"] = f"left alone: {' and '.join(left)} could not be stopped, and needs it"
                found["waited_for"] = left
                return
            began = anyio.current_time()
            await self._stop(name, found)
            self._stopped[name].reach()
        except PersistprocError as error:
            found["outcome"] = "failed"
            found["reason"], found["hint"] = error.message, error.hint or None
        finally:
            self._stopped[name].miss()
            found["elapsed_seconds"] = round(anyio.current_time() - began, 3)
            self._results.append(found)

    async def _needed(self, name: str) -> list[str]:
        """Those that need it and could not be stopped, once that is known of all."""
        for other in self._order[name]:
            await self._stopped[other].known.wait()
        return sorted(other for other in self._order[name] if not self._stopped[other].reached)

    async def _stop(self, name: str, found: ProcessResult) -> None:
        async with self._turns.of(self._project_directory, name):
            process = self._registry.get(self._project_directory, name)
            if process is None or process.current is None:
                found["outcome"] = "already_stopped"
                return
            params = StopProcessParams(process=name)
            for key in ("signal", "grace_seconds", "reason", "force"):
                if key in self._params:
                    params[key] = self._params[key]
            try:
                ending = await self._supervisor.stop(process, params, self._client)
            except ProcessNotFound:
                ending = None  # removed this very moment
            found["outcome"] = "stopped" if ending is not None else "already_stopped"
            found["reason"] = process.runs[-1].reason if process.runs else None
