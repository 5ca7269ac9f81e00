"""Waiting for a process: for its end, a line of output, or a port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

import anyio
import anyio.to_thread

from ..errors import InvalidParams, WaitFailed, WaitTimedOut
from ..protocol import WaitForProcessParams, WaitReply
from .facts import Facts
from .logs.lines import LineAssembler
from .logs.reader import RunLog
from .logs.segments import Offsets
from .model import Process, Run
from .output import Output
from .registry import full_name

if TYPE_CHECKING:
    import regex

__all__ = ["Waiting"]

_DEFAULT_SECONDS = 60.0
_CHUNK = 64 * 1024
_PORT_LOOK_SECONDS = 0.1
_MATCH_SECONDS = 1.0

Condition = Literal["exit", "output", "port"]


class Waiting:
    """Waits on behalf of clients."""

    def __init__(self, facts: Facts, output: Output) -> None:
        self._facts = facts
        self._output = output

    async def wait(self, process: Process, params: WaitForProcessParams) -> WaitReply:
        """Answer when the first of the conditions is true.

        Raises `WaitTimedOut`, or `WaitFailed` when the run ended and nothing that was asked for can come any more.
        """
        run = process.runs[-1]
        began = anyio.current_time()
        seconds = params.get("timeout_seconds", _DEFAULT_SECONDS)
        with anyio.move_on_after(seconds):
            met, line = await self._first(run, process, params)
            if met is None:
                raise await self._failed(process, run)
            (info,) = await self._facts.measured([process])
            return {**info, "met": met, "line": line, "elapsed_seconds": round(anyio.current_time() - began, 3)}
        raise WaitTimedOut(
            f"{full_name(process)} is {run.state}, but what you wait for did not come within {seconds:g} s",
            hint="look at its output, or wait longer",
            data={"state": run.state, "last_lines": await self._output.last_lines(run)},
        )

    async def _first(
        self, run: Run, process: Process, params: WaitForProcessParams
    ) -> tuple[Condition | None, str | None]:
        found: list[tuple[Condition, str | None]] = []
        pattern = _compiled(params["output"]) if "output" in params else None
        until_exit = params.get("exit", False) or not (pattern or "port" in params)

        async def watch(look: Callable[[], Awaitable[tuple[Condition, str | None] | None]]) -> None:
            met = await look()
            if met is not None:
                found.append(met)
                group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            if pattern is not None:
                group.start_soon(watch, lambda: self._line(run, pattern))
            if "port" in params:
                group.start_soon(watch, lambda: self._port(run, process, params["port"]))
            if until_exit:
                group.start_soon(watch, lambda: _end(run))
        return found[0] if found else (None, None)

    async def _line(self, run: Run, pattern: regex.Pattern[str]) -> tuple[Condition, str | None] | None:
        log = RunLog(run.directory)
        place = Offsets(0, 0)
        lines = LineAssembler()
        while True:
            live = run.live
            chunk = await anyio.to_thread.run_sync(lambda start=place: log.read(start, max_bytes=_CHUNK))  # type: ignore[misc]
            place = chunk.end
            for line in lines.feed(chunk.pieces):
                if await anyio.to_thread.run_sync(_matches, pattern, line):
                    return "output", line
            if not chunk.more:
                # A prompt has no newline and is what somebody waits for all the same.
                for line in lines.partial():
                    if await anyio.to_thread.run_sync(_matches, pattern, line):
                        return "output", line
                if not live:
                    return None
                await self._output.wait_beyond(run, place, "combined")

    async def _port(self, run: Run, process: Process, port: int) -> tuple[Condition, str | None] | None:
        # The kernel has no event for a port that begins to listen; this looks only while somebody waits.
        while run.live:
            (info,) = await self._facts.measured([process])
            if any(listener["port"] == port for listener in info["ports"]):
                return "port", None
            with anyio.move_on_after(_PORT_LOOK_SECONDS):
                await run.ended.wait()
        return None

    async def _failed(self, process: Process, run: Run) -> WaitFailed:
        return WaitFailed(
            f"{full_name(process)} {run.reason}; what you wait for cannot come any more",
            hint="look at its last lines, mend it, restart it",
            data={
                "state": run.state,
                "exit_code": run.exit_code,
                "signal": run.signal,
                "last_lines": await self._output.last_lines(run),
            },
        )


async def _end(run: Run) -> tuple[Condition, str | None]:
    await run.ended.wait()
    return "exit", None


def _compiled(text: str) -> regex.Pattern[str]:
    # regex, not re: its matches can be given a time; one unlucky pattern in re would stop the whole daemon for hours.
    import regex

    try:
        return regex.compile(text)
    except regex.error as error:
        raise InvalidParams(f"output is not a regular expression: {error}") from None


def _matches(pattern: regex.Pattern[str], line: str) -> bool:
    try:
        return pattern.search(line, timeout=_MATCH_SECONDS, concurrent=True) is not None
    except TimeoutError:
        raise InvalidParams("the regular expression takes too long on this output", hint="use a simpler one") from None
