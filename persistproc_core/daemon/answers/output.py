"""Answers about a run's output: what get_process_output asks for, the end of it, where it lies."""

from __future__ import annotations

import anyio
import anyio.to_thread

from ...protocol import GetProcessOutputParams, LogPathsReply, OutputReply, View
from ..keeper import Keeper
from ..logs.cursors import encode_cursor
from ..logs.output import last_output
from ..logs.reader import RunLog
from ..logs.segments import STREAMS, Offsets
from ..model import Process, Run
from ..projects import project_name
from ..waiting.conditions.condition import unheeded
from ..waiting.conditions.idle import Idle
from .asking import Question, question
from .bookmarks import Bookmarks, check_mark_name
from .reading import Found, Place, read

__all__ = ["Output"]

_LAST_LINES = 10
_LAST_BYTES = 4096
_IDLE_WITHIN_SECONDS = 30.0


class Output:
    """Reads the logs, in worker threads."""

    def __init__(self, keeper: Keeper, bookmarks: Bookmarks) -> None:
        self._keeper = keeper
        self._bookmarks = bookmarks

    async def get(self, process: Process, params: GetProcessOutputParams) -> OutputReply:
        """The piece that is asked for, waiting for it where that is asked for.

        Raises `InvalidParams`, and `ProcessNotFound` for a run that is not kept.
        """
        asked = question(process, params, self._bookmarks)
        mark = check_mark_name(params["mark"]) if "mark" in params else None
        idle = None
        if "idle_seconds" in params:
            idle = await _is_idle(process, asked, params["idle_seconds"])
            # An age counts from the call, but what is the current run, and what is kept, is a matter of now.
            asked = question(process, params, self._bookmarks)._replace(since=asked.since, before=asked.before)
        found = await _read(process, asked)
        if asked.cursor is not None and idle is None and params.get("wait_seconds"):
            found = await self._waited(process, asked, found, params["wait_seconds"])
        if mark is not None:
            places = {found.end.run.run_id: found.end.offsets}
            await self._bookmarks.set(process.project_directory, mark, places)
        return _reply(process, found, idle)

    async def _waited(self, process: Process, asked: Question, found: Found, seconds: float) -> Found:
        """The same question, answered again when there is something new."""
        with anyio.move_on_after(seconds):
            seen = found.end.offsets
            while not (found.lines or found.more or found.missed_bytes or found.ended):
                run = found.end.run
                await self.wait_beyond(run, seen, asked.view)
                # Half a control sequence is growth, but nothing to show yet: wait for what follows it, not for it
                # again. The size is asked first: whatever comes after the look is growth beyond it.
                seen = await anyio.to_thread.run_sync(RunLog(run.directory).sizes)
                asked = _going_on(asked, found.end)
                found = await _read(process, asked)
        return found

    async def wait_beyond(self, run: Run, start: Offsets, stream: View) -> None:
        """Wait until the log reaches beyond ``start``, or the run has ended."""
        log = RunLog(run.directory)
        while run.live:
            # Taken before looking: growth between the look and the wait has set it by then.
            growth = run.growth
            sizes = await anyio.to_thread.run_sync(log.sizes)
            if _beyond(sizes, start, stream):
                return
            await self._keeper.watch(run, sizes.stdout, sizes.stderr)
            await growth.wait()

    async def last_lines(self, run: Run, lines: int = _LAST_LINES, most_bytes: int = _LAST_BYTES) -> list[str]:
        """The end of the output, for an error's account."""
        ended = not run.live
        found = await anyio.to_thread.run_sync(
            lambda: last_output(RunLog(run.directory), lines, "combined", most_bytes, ended=ended)
        )
        return [line.get("text", "") for line in found.lines]

    async def paths(self, process: Process) -> LogPathsReply:
        """Where the newest run's output lies."""
        run = process.runs[-1]
        return await anyio.to_thread.run_sync(_paths, process, run)


async def _read(process: Process, asked: Question) -> Found:
    return await anyio.to_thread.run_sync(read, process, asked)


async def _is_idle(process: Process, asked: Question, seconds: float) -> bool:
    """Wait until nothing was printed for so long; False when that takes too long."""
    run = asked.runs[-1]
    most = asked.params.get("wait_seconds", max(_IDLE_WITHIN_SECONDS, seconds))
    follows = run is process.runs[-1]
    with anyio.move_on_after(most):
        while True:
            await Idle(run, seconds).met(unheeded)
            newest = process.current
            if run.live or not follows or newest is None or newest is run:
                return True
            run = newest
    return False


def _going_on(asked: Question, place: Place) -> Question:
    """The same question from a later place on."""
    runs = asked.runs[asked.runs.index(place.run) :]
    return asked._replace(runs=runs, cursor=place.offsets)


def _reply(process: Process, found: Found, idle: bool | None) -> OutputReply:
    run = found.end.run
    return {
        "name": process.name,
        "project": project_name(process.project_directory),
        "project_directory": process.project_directory,
        "run": run.number,
        "run_id": run.run_id,
        # It may have been removed while its output was read.
        "newest_run": process.current.number if process.current else run.number,
        "state": run.state,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "exit_code": run.exit_code,
        "signal": run.signal,
        "reason": run.reason,
        "stopped_by": run.stop.by if run.stop else None,
        "stop_reason": run.stop.reason if run.stop else None,
        "waiting_for_input": None,
        "lines": found.lines,
        "start": encode_cursor(found.start.run.number, found.start.offsets),
        "cursor": encode_cursor(run.number, found.end.offsets),
        "more": found.more,
        "omitted_lines": found.omitted_lines,
        "omitted_bytes": found.omitted_bytes,
        "ended": found.ended,
        "idle": idle,
        "lossy": found.lossy,
        "missed_bytes": found.missed_bytes,
        "incomplete": found.incomplete,
    }


def _paths(process: Process, run: Run) -> LogPathsReply:
    with RunLog(run.directory).look() as log:
        return {
            "name": process.name,
            "project": project_name(process.project_directory),
            "run": run.number,
            "directory": run.directory,
            "streams": [
                {
                    "stream": stream,
                    "bytes": log.end.of(stream),
                    "paths": [segment.path for segment in log.streams[stream].segments],
                }
                for stream in STREAMS
            ],
        }


def _beyond(sizes: Offsets, start: Offsets, stream: View) -> bool:
    return (stream != "stderr" and sizes.stdout > start.stdout) or (stream != "stdout" and sizes.stderr > start.stderr)
