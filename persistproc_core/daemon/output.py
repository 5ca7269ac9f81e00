"""Answers about a run's output: its last lines, what is new after a cursor, where it lies."""

from __future__ import annotations

from typing import NamedTuple

import anyio
import anyio.to_thread

from ..errors import InvalidParams, ProcessNotFound
from ..protocol import GetProcessOutputParams, LogPathsReply, OutputLine, OutputReply
from .keeper import Keeper
from .logs.cursors import decode_cursor, encode_cursor
from .logs.reader import Chunk, RunLog, View
from .logs.segments import STREAMS, Offsets
from .logs.text import plain_lines, raw_lines
from .model import Process, Run
from .projects import project_name

__all__ = ["Output"]

_DEFAULT_LINES = 100
_DEFAULT_BYTES = 32 * 1024
_LAST_LINES = 10


class _Question(NamedTuple):
    """What is asked of one run's log. ``start`` None: its last lines."""

    start: Offsets | None
    stream: View
    lines: int
    max_bytes: int


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
        )
        if start is not None and params.get("wait_seconds"):
            with anyio.move_on_after(params["wait_seconds"]):
                await self.wait_beyond(run, start, question.stream)
        # Before the log is read: what comes between the two would otherwise be lost to a reader that is told the end.
        live = run.live
        chunk = await anyio.to_thread.run_sync(_read, run, question, live)
        ended = not live and not chunk.more
        end, lossy = chunk.end, False
        if params.get("format", "plain") == "raw":
            lines: list[OutputLine] = raw_lines(chunk.pieces)
        else:
            lines, lossy, held = plain_lines(chunk.pieces, final=ended)
            end = Offsets(end.stdout - held.stdout, end.stderr - held.stderr)
        return {
            "name": process.name,
            "project": project_name(process.project_directory),
            "run": run.number,
            "state": run.state,
            "exit_code": run.exit_code,
            "signal": run.signal,
            "reason": run.reason,
            "lines": lines,
            "cursor": encode_cursor(run.number, end),
            "more": chunk.more,
            "ended": ended,
            "lossy": lossy,
            "missed_bytes": chunk.missed_bytes,
        }

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
        question = _Question(None, "combined", lines, 4096)
        chunk = await anyio.to_thread.run_sync(_read, run, question, run.live)
        return [line.get("text", "") for line in plain_lines(chunk.pieces, final=True).lines]

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


def _read(run: Run, question: _Question, live: bool) -> Chunk:
    log = RunLog(run.directory)
    start = question.start
    if start is None:
        start = log.tail(question.lines, question.stream, question.max_bytes)
    return log.read(start, question.stream, question.max_bytes, hold_back=live)


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
    if not (text.isascii() and text.isdigit()):
        raise InvalidParams(f"run is current, previous or a number, not {text!r}")
    for run in process.runs:
        if run.number == int(text):
            return run
    kept = f"{process.runs[0].number} to {process.runs[-1].number}"
    raise ProcessNotFound(f"run {text} of {process.name} is not kept", hint=f"kept are {kept}")
