"""Waiting for a process: for its end, a line of output, or a port."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

import anyio
import anyio.to_thread

from ..errors import InvalidParams, PersistprocError, WaitFailed, WaitTimedOut
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

_Met = tuple[Literal["exit", "output", "port"], "str | None"]


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
        attempt = _Attempt(began + seconds)
        if "output" in params:
            pattern = _compiled(params["output"])
            attempt.add(lambda: self._line(attempt, run, pattern))
        if "port" in params:
            attempt.add(lambda: self._port(attempt, run, process, params["port"]))
        if params.get("exit", False) or not attempt.conditions:
            attempt.add(lambda: _end(attempt, run))
        if not await attempt.run():
            within = f"{round(seconds, 3):g} s"
            raise WaitTimedOut(
                f"{full_name(process)} is {run.state}, but what you wait for did not come within {within}",
                hint="look at its output, or wait longer",
                data={"state": run.state, "last_lines": await self._output.last_lines(run)},
            )
        if attempt.met is None:
            raise await self._failed(process, run)
        met, line = attempt.met
        info = await self._facts.measured_run(process, run)
        return {**info, "met": met, "line": line, "elapsed_seconds": round(anyio.current_time() - began, 3)}

    async def _line(self, attempt: _Attempt, run: Run, pattern: regex.Pattern[str]) -> _Met | None:
        log = RunLog(run.directory)
        place = Offsets(0, 0)
        lines = LineAssembler()
        while True:
            live = run.live
            chunk = await anyio.to_thread.run_sync(lambda start=place: log.read(start, max_bytes=_CHUNK))  # type: ignore[misc]
            place = chunk.end
            # A prompt has no newline and is what somebody waits for all the same.
            found = [*lines.feed(chunk.pieces), *([] if chunk.more else lines.partial())]
            line = await anyio.to_thread.run_sync(_first_match, pattern, found) if found else None
            if line is not None:
                return "output", line
            if chunk.more:
                continue
            if not live:
                return None
            attempt.has_looked()
            await self._output.wait_beyond(run, place, "combined")

    async def _port(self, attempt: _Attempt, run: Run, process: Process, port: int) -> _Met | None:
        # The kernel has no event for a port that begins to listen; this looks only while somebody waits.
        while run.live:
            info = await self._facts.measured_run(process, run)
            if any(listener["port"] == port for listener in info["ports"]):
                return "port", None
            attempt.has_looked()
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


class _Attempt:
    """Several conditions, of which the first decides. The time is up only after each has been looked at once."""

    def __init__(self, deadline: float) -> None:
        self.met: _Met | None = None
        self.conditions: list[Callable[[], Awaitable[_Met | None]]] = []
        self._failure: PersistprocError | None = None
        self._deadline = deadline
        self._looked = 0
        self._scope = anyio.CancelScope()

    def add(self, condition: Callable[[], Awaitable[_Met | None]]) -> None:
        """One more condition; it calls `has_looked` before it waits."""
        self.conditions.append(condition)

    def has_looked(self) -> None:
        """One condition is not true yet."""
        self._looked += 1
        if self._looked >= len(self.conditions):
            self._scope.deadline = self._deadline

    async def run(self) -> bool:
        """False when the time was up. Raises what a condition raises."""
        with self._scope:
            async with anyio.create_task_group() as group:
                for condition in self.conditions:
                    group.start_soon(self._watch, condition, group.cancel_scope)
        if self._failure is not None:
            raise self._failure
        return not self._scope.cancelled_caught

    async def _watch(self, condition: Callable[[], Awaitable[_Met | None]], others: anyio.CancelScope) -> None:
        try:
            met = await condition()
        except PersistprocError as error:
            self._failure = error
            others.cancel()
            return
        self.has_looked()
        if met is not None and self.met is None:
            self.met = met
            others.cancel()


async def _end(attempt: _Attempt, run: Run) -> _Met:
    if run.live:
        attempt.has_looked()
    await run.ended.wait()
    return "exit", None


def _compiled(text: str) -> regex.Pattern[str]:
    # regex, not re: its matches can be given a time; one unlucky pattern in re would stop the whole daemon for hours.
    import regex

    try:
        return regex.compile(text)
    except regex.error as error:
        raise InvalidParams(f"output is not a regular expression: {error}") from None
    except RecursionError:
        raise InvalidParams("output nests too deeply for a regular expression") from None


def _first_match(pattern: regex.Pattern[str], lines: list[str]) -> str | None:
    deadline = time.monotonic() + _MATCH_SECONDS
    try:
        for line in lines:
            if pattern.search(line, timeout=max(deadline - time.monotonic(), 0.001), concurrent=True):
                return line
    except TimeoutError:
        raise InvalidParams("the regular expression takes too long on this output", hint="use a simpler one") from None
    return None
