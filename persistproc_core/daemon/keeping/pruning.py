"""Forgetting what has ended, and ending and forgetting what was left behind: runs and processes, with their output."""

from __future__ import annotations

from typing import NamedTuple

import anyio
import anyio.to_thread

from ...errors import StopTimedOut, StorageFailed
from ...protocol import ClientInfo, PrunedProcess, PruneProcessesParams, PruneReply
from ..answers.times import parse_moment
from ..clock import rfc3339
from ..lifecycle import Lifecycle
from ..model import Cause, Process, Run
from ..projects import project_name
from ..protection import is_anothers
from ..registry import Registry, full_name
from ..usage.staleness import Staleness, asked_unused_seconds
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
    unused_seconds: float | None
    """What nobody has used for so long is ended as well; None: nothing is."""


class Pruning:
    """Removes ended runs, and what was left behind."""

    def __init__(self, registry: Registry, lifecycle: Lifecycle, staleness: Staleness) -> None:
        self._registry = registry
        self._lifecycle = lifecycle
        self._staleness = staleness

    async def prune(self, params: PruneProcessesParams, project: str | None, client: ClientInfo) -> PruneReply:
        """Remove, or only tell. ``project`` None: in all projects.

        A run of which anything is alive stays, and so do the older ones of its process unless ``keep_runs`` is given.
        What somebody else protected stays whole. With ``stale`` live processes that look left behind are stopped
        first, whatever ``older_than`` says: they end now.
        Raises `InvalidParams`, and, with what was removed, `StorageFailed` and `StopTimedOut`.
        """
        older_than = params.get("older_than")
        rule = _Rule(
            None if older_than is None else rfc3339(parse_moment("older_than", older_than)),
            params.get("keep_runs", 0),
            "keep_runs" in params,
            params.get("dry_run", False),
            client,
            asked_unused_seconds(params),
        )
        done: list[PrunedProcess] = []
        processes = list(self._registry) if project is None else self._registry.in_project(project)
        stale = {} if rule.unused_seconds is None else await self._staleness.find(processes, rule.unused_seconds)
        alive = [] if rule.dry else await self._stop(stale, rule)
        await _settled(processes)
        for process in processes:
            try:
                pruned = await self._prune_process(process, rule, stopped=process in stale)
            except _Stuck as stuck:
                raise StorageFailed(
                    f"cannot delete {stuck.run.directory}: {stuck.problem}",
                    hint=f"{_runs_of(done) + stuck.done['runs']} runs were removed; see persistproc doctor",
                    data=dict(_reply([*done, stuck.done] if stuck.done["runs"] else done)),
                ) from None
            if pruned["runs"] or pruned["stopped"]:
                done.append(pruned)
        if alive:
            raise StopTimedOut(
                "; ".join(alive),
                hint=f"{_runs_of(done)} runs of others were removed; look at what is left with ps",
                data=dict(_reply(done)),
            )
        return _reply(done)

    async def _stop(self, stale: dict[Process, str], rule: _Rule) -> list[str]:
        """Stop these, all at once. One that turns out to be used after all, or cannot be ended, is taken out.

        Returns a sentence about each that cannot be ended.
        """
        reasons = dict(stale)
        alive: list[str] = []

        async def stop(process: Process) -> None:
            try:
                if await self._stop_one(process, reasons[process], rule):
                    return
            except StopTimedOut as error:
                alive.append(f"{full_name(process)}: {error.message}")
            del stale[process]

        async with anyio.create_task_group() as group:
            for process in reasons:
                group.start_soon(stop, process)
        return sorted(alive)

    async def _stop_one(self, process: Process, reason: str, rule: _Rule) -> bool:
        assert rule.unused_seconds is not None
        async with process.lock:
            # Whoever held the lock may have started it again, and somebody may have come to use it.
            if process not in await self._staleness.find([process], rule.unused_seconds):
                return False
            await self._lifecycle.end_softly(process.runs[-1], Cause("stopped", rule.client, reason))
            return True

    async def _prune_process(self, process: Process, rule: _Rule, *, stopped: bool) -> PrunedProcess:
        if not _doomed(process, rule, stopped=stopped):
            return _pruned(process, stopped)  # it may be a stop that holds the lock, and this verb need not wait for it
        async with process.lock:
            done = _pruned(process, stopped)
            if process.removed:
                return done
            last = process.current
            for run in _doomed(process, rule, stopped=stopped):
                size = await anyio.to_thread.run_sync(output_bytes, run.directory)
                if not rule.dry:
                    await self._delete(process, run, done)
                done["runs"] += 1
                done["bytes"] += size
            done["removed"] = done["runs"] == len(process.runs) if rule.dry else not process.runs
            if not process.runs and last is not None:
                self._registry.discard(process)
                self._lifecycle.watching.changed(process)
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


def _doomed(process: Process, rule: _Rule, *, stopped: bool) -> list[Run]:
    """The runs that go, oldest first. ``stopped``: it was stopped for this, or would be."""
    if stopped and process.current is not None and (rule.dry or not process.current.present):
        return process.runs[: max(0, len(process.runs) - rule.keep)]
    if (
        process.current is None
        or is_anothers(process, rule.client)
        or ((process.current.present or process.planned is not None) and not rule.of_live_too)
    ):
        return []
    # One that is to be started again is not over: its newest run stays, as a live one does.
    keep = max(rule.keep, int(process.planned is not None))
    old = process.runs[: max(0, len(process.runs) - keep)]
    return [run for run in old if run.gone.is_set() and (rule.before is None or (run.ended_at or "") < rule.before)]


def _pruned(process: Process, stopped: bool) -> PrunedProcess:
    project = project_name(process.project_directory)
    return {"name": process.name, "project": project, "runs": 0, "bytes": 0, "stopped": stopped, "removed": False}


def _runs_of(done: list[PrunedProcess]) -> int:
    return sum(each["runs"] for each in done)


def _reply(done: list[PrunedProcess]) -> PruneReply:
    return {"processes": done, "bytes": sum(each["bytes"] for each in done)}
