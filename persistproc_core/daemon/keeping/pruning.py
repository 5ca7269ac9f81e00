"""Forgetting what has ended: runs and processes, with their output."""

from __future__ import annotations

from typing import NamedTuple

import anyio
import anyio.to_thread

from ...errors import StorageFailed
from ...protocol import ClientInfo, PrunedProcess, PruneProcessesParams, PruneReply
from ..answers.times import parse_moment
from ..clock import rfc3339
from ..lifecycle import Lifecycle
from ..model import Cause, Process, Run
from ..projects import project_name
from ..protection import is_anothers
from ..registry import Registry
from .output_index import output_bytes

__all__ = ["Pruning"]

_SETTLED_SECONDS = 1.0


class _Rule(NamedTuple):
    """What is to be removed."""

    before: str | None
    """Only what ended before this time (RFC 3339, as in the records)."""
    keep: int
    of_live_too: bool
    dry: bool
    client: ClientInfo
    """Who asks."""


class Pruning:
    """Removes ended runs."""

    def __init__(self, registry: Registry, lifecycle: Lifecycle) -> None:
        self._registry = registry
        self._lifecycle = lifecycle

    async def prune(self, params: PruneProcessesParams, project: str | None, client: ClientInfo) -> PruneReply:
        """Remove, or only tell. ``project`` None: in all projects.

        A run of which anything is alive stays, and so do the older ones of its process unless ``keep_runs`` is given.
        What somebody else protected stays whole.
        Raises `InvalidParams`, and `StorageFailed` with what was removed until then.
        """
        older_than = params.get("older_than")
        rule = _Rule(
            None if older_than is None else rfc3339(parse_moment("older_than", older_than)),
            params.get("keep_runs", 0),
            "keep_runs" in params,
            params.get("dry_run", False),
            client,
        )
        done: list[PrunedProcess] = []
        processes = list(self._registry) if project is None else self._registry.in_project(project)
        await _settled(processes)
        for process in processes:
            try:
                pruned = await self._prune_process(process, rule)
            except _Stuck as stuck:
                raise StorageFailed(
                    f"cannot delete {stuck.run.directory}: {stuck.problem}",
                    hint=f"{_runs_of(done) + stuck.done['runs']} runs were removed; see persistproc doctor",
                    data=dict(_reply([*done, stuck.done] if stuck.done["runs"] else done)),
                ) from None
            if pruned["runs"]:
                done.append(pruned)
        return _reply(done)

    async def _prune_process(self, process: Process, rule: _Rule) -> PrunedProcess:
        if not _doomed(process, rule):
            return _pruned(process)  # it may be a stop that holds the lock, and this verb need not wait for it
        async with process.lock:
            done = _pruned(process)
            if process.removed:
                return done
            last = process.current
            for run in _doomed(process, rule):
                size = await anyio.to_thread.run_sync(output_bytes, run.directory)
                if not rule.dry:
                    await self._delete(process, run, done)
                done["runs"] += 1
                done["bytes"] += size
            done["removed"] = done["runs"] == len(process.runs) if rule.dry else not process.runs
            if not process.runs and last is not None:
                self._registry.discard(process)
                self._lifecycle.journal.tell("removed", process, last, cause=Cause("pruned", rule.client))
            return done

    async def _delete(self, process: Process, run: Run, done: PrunedProcess) -> None:
        try:
            await self._lifecycle.delete(run)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _Stuck(run, error.strerror or str(error), done) from None
        self._registry.discard_run(process, run)


class _Stuck(Exception):
    """A run that could not be deleted, and what was done of its process before."""

    def __init__(self, run: Run, problem: str, done: PrunedProcess) -> None:
        super().__init__(problem)
        self.run = run
        self.problem = problem
        self.done = done


async def _settled(processes: list[Process]) -> None:
    # The look for what an ended run left behind takes some ms; who waited for its end need not see them.
    with anyio.move_on_after(_SETTLED_SECONDS):
        for process in processes:
            if process.current is not None and not process.current.live:
                await process.current.gone.wait()


def _doomed(process: Process, rule: _Rule) -> list[Run]:
    """The runs that go, oldest first."""
    if (
        process.current is None
        or is_anothers(process, rule.client)
        or (process.current.present and not rule.of_live_too)
    ):
        return []
    old = process.runs[: max(0, len(process.runs) - rule.keep)]
    return [run for run in old if run.gone.is_set() and (rule.before is None or (run.ended_at or "") < rule.before)]


def _pruned(process: Process) -> PrunedProcess:
    project = project_name(process.project_directory)
    return {"name": process.name, "project": project, "runs": 0, "bytes": 0, "stopped": False, "removed": False}


def _runs_of(done: list[PrunedProcess]) -> int:
    return sum(each["runs"] for each in done)


def _reply(done: list[PrunedProcess]) -> PruneReply:
    return {"processes": done, "bytes": sum(each["bytes"] for each in done)}
