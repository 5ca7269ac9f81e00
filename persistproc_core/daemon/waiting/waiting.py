"""Waiting for a process: for its end, a state, a line of output, a port, a URL, or silence.

A wait is about the run that is the newest when it begins. A restart is the end of that run.
"""

from __future__ import annotations

from collections.abc import Callable

import anyio

from ...errors import InvalidParams, WaitFailed, WaitTimedOut
from ...protocol import Readiness, WaitForProcessParams, WaitReply
from ..answers.bookmarks import Bookmarks
from ..answers.output import Output
from ..answers.places import first_after, parse_place
from ..ending import Ender
from ..facts import Facts
from ..logs.reader import RunLog
from ..logs.segments import Offsets
from ..model import Process, Run
from ..ports.holders import Holders
from ..readiness.ready import Ready
from ..readiness.readying import Readying
from ..registry import full_name
from .attempt import Attempt
from .conditions.condition import Looked, Met
from .conditions.ending import Exit, InState
from .conditions.idle import Idle
from .conditions.line import Line, compiled, matching
from .conditions.port import Port
from .conditions.url import Url, parse_url
from .prompts import Prompts
from .stuck import how_to_answer, until_stuck

__all__ = ["Waiting"]

_DEFAULT_SECONDS = 60.0
_LAST_LINE_SECONDS = 1.0


class Waiting:
    """Waits on behalf of clients."""

    def __init__(
        self,
        facts: Facts,
        output: Output,
        prompts: Prompts,
        ender: Ender,
        holders: Holders,
        bookmarks: Bookmarks,
        readying: Readying,
    ) -> None:
        self._facts = facts
        self._output = output
        self._prompts = prompts
        self._ender = ender
        self._holders = holders
        self._bookmarks = bookmarks
        self._readying = readying

    async def wait(self, process: Process, params: WaitForProcessParams) -> WaitReply:
        """Answer when the first of the conditions is true.

        Raises `WaitTimedOut`, or `WaitFailed` when the run ended, or asks for input, and nothing that was asked for
        can come any more.
        """
        run = process.runs[-1]
        began = anyio.current_time()
        by_itself = self._readying.seconds_left(run) if params.get("ready", False) else _DEFAULT_SECONDS
        seconds = params.get("timeout_seconds", by_itself)
        attempt = self._attempt(process, run, params, began + seconds)
        if not await attempt.run():
            raise await self._timed_out(process, run, attempt, seconds)
        if attempt.met is None:
            raise await self._failed(process, run, attempt)
        met = attempt.met
        lines = [] if met.what == "output" else await self._output.last_lines(run)
        return {
            **await self._facts.measured_run(process, run),
            "met": met.what,
            "line": met.line,
            "status_code": met.status_code,
            "last_lines": lines,
            "readiness": await _readiness(attempt) if met.what == "ready" else None,
            "elapsed_seconds": round(anyio.current_time() - began, 3),
        }

    def _attempt(self, process: Process, run: Run, params: WaitForProcessParams, deadline: float) -> Attempt:
        attempt = Attempt(deadline)
        line = None
        if "since" in params and "output" not in params:
            raise InvalidParams("since tells which lines count, so it needs output")
        if "output" in params:
            pattern = compiled(params["output"])
            line = Line(run, self._output, matching(pattern), self._start(process, run, params))
            attempt.add(line)
        for port in _ports(params):
            attempt.add(Port(run, port, self._ender, self._output, self._holders))
        if "url" in params:
            attempt.add(Url(run, parse_url(params["url"])))
        if params.get("ready", False):
            attempt.add(Ready(process, run, self._readying))
        if "idle_seconds" in params:
            attempt.add(Idle(run, params["idle_seconds"]))
        if "state" in params:
            attempt.add(_After(InState(run, params["state"]), run, line))
        if params.get("exit", False) or not attempt.conditions:
            attempt.add(_After(Exit(run), run, line))
        if "idle_seconds" not in params:
            attempt.beside(lambda: self._fail_when_stuck(process, run))
        return attempt

    def _start(self, process: Process, run: Run, params: WaitForProcessParams) -> Callable[[RunLog], Offsets]:
        if "since" not in params:
            return lambda log: Offsets(0, 0)
        place = parse_place("since", params["since"], process, self._bookmarks)

        def start(log: RunLog) -> Offsets:
            with log.look() as look:
                return first_after(place, run, look)

        return start

    async def _fail_when_stuck(self, process: Process, run: Run) -> None:
        text = await until_stuck(self._prompts, process, run)
        if text is not None:
            failure = _stuck(process, run, text)
            failure.data["last_lines"] = await self._output.last_lines(run)
            raise failure

    async def _timed_out(self, process: Process, run: Run, attempt: Attempt, seconds: float) -> WaitTimedOut:
        obstacles = await attempt.obstacles()
        because = f": {'; '.join(obstacles)}" if obstacles else ""
        await self._prompts.look(process, run)
        return WaitTimedOut(
            f"{full_name(process)} is {run.state}, but what you wait for did not come within "
            f"{round(seconds, 3):g} s{because}",
            hint="look at its output, or wait longer",
            data={
                "state": run.state,
                "waiting_for_input": run.prompt if run.live else None,
                "last_lines": await self._output.last_lines(run),
                "readiness": await _readiness(attempt),
            },
        )

    async def _failed(self, process: Process, run: Run, attempt: Attempt) -> WaitFailed:
        name = full_name(process)
        newest = process.runs[-1] if process.runs else run
        readiness = await _readiness(attempt)
        if run.live and readiness is not None:
            message, hint = f"{name} is {run.state}, but {readiness['words']}", readiness["hint"] or ""
        elif run.live:
            message, hint = f"{name} is {run.state} and does not come to that state any more", "wait for another state"
        elif newest is not run and newest.live:
            message = f"run {run.number} of {name} has ended ({run.reason}), and run {newest.number} runs now"
            hint = "wait again: a wait is about one run"
        else:
            message = f"{name} {run.reason}; what you wait for cannot come any more"
            hint = "look at its last lines, mend it, restart it"
            if process.planned is not None:
                hint = f"it {process.planned.words(anyio.current_time())}: wait again then, a wait is about one run"
        return WaitFailed(
            message,
            hint=hint,
            data={
                "state": run.state,
                "exit_code": run.exit_code,
                "signal": run.signal,
                "waiting_for_input": None,
                "last_lines": await self._output.last_lines(run),
                "readiness": readiness,
            },
        )


async def _readiness(attempt: Attempt) -> Readiness | None:
    """What is known of being ready, where that is waited for."""
    for condition in attempt.conditions:
        if isinstance(condition, Ready):
            return await condition.answer()
    return None


class _After:
    """A condition that an end makes true, told after a line that was printed before the end and is waited for too."""

    def __init__(self, condition: Exit | InState, run: Run, line: Line | None) -> None:
        self._condition = condition
        self._run = run
        self._line = line

    async def met(self, looked: Looked) -> Met | None:
        met = await self._condition.met(looked)
        if self._line is not None and not self._run.live:
            looked()
            with anyio.move_on_after(_LAST_LINE_SECONDS):
                await self._line.finished.wait()
        return met

    async def obstacle(self) -> str:
        return await self._condition.obstacle()


def _ports(params: WaitForProcessParams) -> list[int]:
    """The ports to wait for, of which 0 is any."""
    return [*([params["port"]] if "port" in params else []), *([0] if params.get("any_port", False) else [])]


def _stuck(process: Process, run: Run, text: str) -> WaitFailed:
    return WaitFailed(
        f"{full_name(process)} waits for input: {text}",
        hint=how_to_answer(process),
        data={"state": run.state, "exit_code": None, "signal": None, "waiting_for_input": text},
    )
