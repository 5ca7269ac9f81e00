"""Answers about a run's output: its last lines, what is new after a cursor, where it lies."""

from __future__ import annotations

from typing import NamedTuple

import anyio
import anyio.to_thread

from ..errors import InvalidParams, ProcessNotFound
from ..protocol import GetProcessOutputParams, LogPathsReply, OutputReply
from .keeper import Keeper
from .logs.cursors import decode_cursor, encode_cursor
from .logs.output import Output as Found
from .logs.output import last_output, read_output
from .logs.reader import RunLog, View
from .logs.segments import STREAMS, Offsets
from .model import Process, Run
from .projects import project_name

__all__ = ["Output"]

_DEFAULT_LINES = 100
_DEFAULT_BYTES = 32 * 1024
_LAST_LINES = 10


class _Question(NamedTuple):
    """What is asked of one run's log. ``start`` None: its last lines."""

    start: Offsets | None
    view: View
    lines: int
    max_bytes: int
    raw: bool


class Output:
    """Reads the logs, in worker threads."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    async def get(self, process: Process, params: GetProcessOutputParams) -> OutputReply:
        """The piece that is asked for, waiting for it when nothing is new."""
        run, start = _place(process, params)
        question = _Question(
            start,
            params.get("stream", "combined"),
            params.get("lines", _DEFAULT_LINES),
            params.get("max_bytes", _DEFAULT_BYTES),
            params.get("format", "plain") == "raw",
        )
        found, ended = await self._look(run, question)
        if start is not None and not found.lines and not ended and params.get("wait_seconds"):
            with anyio.move_on_after(params["wait_seconds"]):
                await self._wait_for_lines(run, question)
            found, ended = await self._look(run, question)
        return {
            "name": process.name,
            "project": project_name(process.project_directory),
            "run": run.number,
            "state": run.state,
            "exit_code": run.exit_code,
            "signal": run.signal,
            "reason": run.reason,
            "lines": found.lines,
            "cursor": encode_cursor(run.number, found.end),
            "more": found.more,
            "ended": ended and not found.more,
            "lossy": found.lossy,
            "missed_bytes": found.missed_bytes,
        }

    async def _look(self, run: Run, question: _Question) -> tuple[Found, bool]:
        # Before the log is read: what comes between the two would otherwise be lost to a reader that is told the end.
        ended = not run.live
        return await anyio.to_thread.run_sync(_read, run, question, ended), ended

    async def _wait_for_lines(self, run: Run, question: _Question) -> None:
        assert question.start is not None
        place = question.start
        log = RunLog(run.directory)
        while run.live:
            await self.wait_beyond(run, place, question.view)
            # Half a control sequence is growth, but nothing to show yet: wait for what follows it, not for it again.
            place = await anyio.to_thread.run_sync(log.sizes)
            if (await self._look(run, question))[0].lines:
                return

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

    async def last_lines(self, run: Run, lines: int = _LAST_LINES) -> list[str]:
        """The end of the output, for an error's account."""
        question = _Question(None, "combined", lines, 4096, raw=False)
        found, _ = await self._look(run, question)
        return [line.get("text", "") for line in found.lines]

    async def paths(self, process: Process) -> LogPathsReply:
        """Where the newest run's output lies."""
        run = process.runs[-1]
        log = RunLog(run.directory)
        sizes = await anyio.to_thread.run_sync(log.sizes)
        segments = await anyio.to_thread.run_sync(lambda: {stream: log.segments(stream) for stream in STREAMS})
        return {
            "name": process.name,
            "project": project_name(process.project_directory),
            "run": run.number,
            "directory": run.directory,
            "streams": [
                {
                    "stream": stream,
                    "bytes": sizes.stdout if stream == "stdout" else sizes.stderr,
                    "paths": [segment.path for segment in segments[stream]],
                }
                for stream in STREAMS
            ],
        }


def _read(run: Run, question: _Question, ended: bool) -> Found:
    log = RunLog(run.directory)
    view, limit, raw = question.view, question.max_bytes, question.raw
    if question.start is None:
        return last_output(log, question.lines, view, limit, raw=raw, ended=ended)
    return read_output(log, question.start, view, limit, raw=raw, ended=ended)


def _beyond(sizes: Offsets, start: Offsets, stream: View) -> bool:
    return (stream != "stderr" and sizes.stdout > start.stdout) or (stream != "stdout" and sizes.stderr > start.stderr)


def _place(process: Process, params: GetProcessOutputParams) -> tuple[Run, Offsets | None]:
    cursor = params.get("cursor")
    if cursor is None:
        return _chosen_run(process, params.get("run", "current")), None
    if cursor == "start":
        return _chosen_run(process, params.get("run", "current")), Offsets(0, 0)
    number, offsets = decode_cursor(cursor)
    return _chosen_run(process, number), offsets


def _chosen_run(process: Process, wanted: str | int) -> Run:
    text = str(wanted)
    if text == "current":
        return process.runs[-1]
    if text == "previous":
        if len(process.runs) < 2:
            raise ProcessNotFound(f"{process.name} has no previous run", hint="it was started once")
        return process.runs[-2]
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise InvalidParams(f"run is current, previous or a number, not {text[:40]!r}")
    for run in process.runs:
        if str(run.number) == text:
            return run
    kept = f"{process.runs[0].number} to {process.runs[-1].number}"
    raise ProcessNotFound(f"run {text} of {process.name} is not kept", hint=f"kept are {kept}")
