"""Which runs are ready: those that were started to be so are looked out for, all others only while somebody waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import anyio

from ...errors import InvalidParams
from ...protocol import Readiness
from ..answers.output import Output
from ..clock import now
from ..events.journal import Journal
from ..log import Log
from ..model import Process, Run
from ..ports.ports import Ports
from ..registry import Registry
from ..restarting.starter import Starter
from ..restarting.uptime import up_seconds
from ..settings import Settings
from ..tasks import Tasks
from ..waiting.prompts import Prompts
from ..waiting.stuck import how_to_answer, until_stuck
from .conditions import Conditions
from .errors import error_lines
from .evidence import Seen, known_before, readiness
from .hints import hint_for_end, hint_for_port
from .liveness import Liveness
from .lookout import Lookout
from .rules import Rule, liveness_of, no_longer_ready, rule_of

__all__ = ["Readying"]

_DEFAULT_SECONDS = 30.0
_LEAST_SECONDS = 2.5
"""Silence has to last for two seconds to be a sign, also of a run that is older than the whole wait."""
_MOST_SECONDS = 120.0
"""A client that gave no time has one of its own for the reply."""
_FRESH_SECONDS = 5.0
"""What is first looked at later than that may have been ready long before."""
_READ_LINES = 200
_READ_BYTES = 32 * 1024


class Readying:
    """Keeps what is known of the readiness of runs."""

    def __init__(
        self,
        tasks: Tasks,
        log: Log,
        journal: Journal,
        registry: Registry,
        output: Output,
        prompts: Prompts,
        conditions: Conditions,
        ports: Ports,
        liveness: Liveness,
        *,
        write: Callable[[Run], Awaitable[None]],
    ) -> None:
        """``write(run)`` writes its record."""
        self._tasks = tasks
        self._log = log
        self._journal = journal
        self._registry = registry
        self._output = output
        self._prompts = prompts
        self._conditions = conditions
        self._ports = ports
        self._liveness = liveness
        self._write = write
        self._lookouts: dict[Run, Lookout] = {}
        self._alive: set[Run] = set()
        self._seen: WeakKeyDictionary[Run, Seen] = WeakKeyDictionary()

    # --- the daemon's part --------------------------------------------------------------------------------------------

    def open(self, starter: Starter) -> None:
        """Go on with what former daemons looked out for; from now on what is not alive is restarted."""
        self._liveness.starter = starter
        for process in self._registry:
            run = process.current
            if run is not None and run.launched.is_set() and (run.present or run.state == "exited"):
                self.begin(process, run)

    def begin(self, process: Process, run: Run) -> None:
        """Look out for what a run was started to be. Never blocks."""
        rule = self._rule(run)
        if rule is None or run.captured:
            return
        if run.ready:
            self._watch_life(process, run)
        elif run.ready is not None and run not in self._lookouts:
            left = max(0.0, rule.timeout_seconds - up_seconds(run, seen=run.live))
            self._look_out(process, run, rule, anyio.current_time() + left)

    def _rule(self, run: Run, of: Callable[[Settings], Rule | None] = rule_of) -> Rule | None:
        try:
            return of(run.settings)
        except InvalidParams as error:
            # It was looked at before the run was started: somebody has changed the record.
            self._log.warning("ready.unusable", run=run.run_id, problem=error.message)
            return None

    def _look_out(self, process: Process, run: Run, rule: Rule | None, until: float) -> Lookout:
        lookout = self._lookouts[run] = Lookout(process, run, rule, until)
        self._tasks.start(self._attend, lookout, up_seconds(run, seen=run.live) < _FRESH_SECONDS or rule is not None)
        return lookout

    async def _attend(self, lookout: Lookout, fresh: bool) -> None:
        try:
            seen = await lookout.look(self._conditions)
            if seen is not None:
                await self._found(lookout, seen, fresh)
        finally:
            del self._lookouts[lookout.run]
            lookout.done.set()

    async def _found(self, lookout: Lookout, seen: Seen, fresh: bool) -> None:
        """``fresh``: it has just become ready, as far as can be told."""
        process, run = lookout.process, lookout.run
        before, run.ready = run.ready, True
        no_longer_ready(run)
        if not run.ready:
            run.ready = before
            return  # it ended meanwhile
        lookout.seen = self._seen[run] = seen
        run.ready_by = seen.words
        if fresh:
            run.ready_at, run.ready_seconds = now(), round(up_seconds(run, seen=run.live), 3)
        self._log.info("run.ready", run=run.run_id, seconds=run.ready_seconds, by=seen.words)
        self._journal.tell("ready", process, run, ready_seconds=run.ready_seconds, ready_by=seen.words)
        self._watch_life(process, run)
        await self._write(run)

    def _watch_life(self, process: Process, run: Run) -> None:
        rule = self._rule(run, liveness_of)
        if rule is not None and run.live and run not in self._alive:
            self._alive.add(run)
            self._tasks.start(self._attend_life, process, run, rule)

    async def _attend_life(self, process: Process, run: Run, rule: Rule) -> None:
        try:
            await self._liveness.watch(process, run, rule)
        finally:
            self._alive.discard(run)

    # --- who waits ----------------------------------------------------------------------------------------------------

    async def wait(self, process: Process, run: Run, seconds: float | None) -> Readiness:
        """Wait until it is ready, for at most so long: what was seen, or why it is not.

        ``seconds`` None: as long as its rule says, else 30 s, both from its start, and two minutes at most.
        """
        question, until = None, anyio.current_time() + (self.seconds_left(run) if seconds is None else seconds)
        with self.waiting(process, run, until) as lookout:
            if lookout is not None:
                question = await self._until_something(process, run, lookout, until)
            return await self.answer(process, run, lookout, question)

    @contextmanager
    def waiting(self, process: Process, run: Run, until: float) -> Iterator[Lookout | None]:
        """Somebody waits until then (anyio's clock): the look-out for it, None where there is nothing to wait for."""
        rule = self._rule(run)
        if run.ready or (rule is None and not run.present):
            yield None
            return
        lookout = self._lookouts.get(run) or self._look_out(process, run, rule, anyio.current_time())
        with lookout.waiting(until):
            yield lookout

    def seconds_left(self, run: Run) -> float:
        """For how long it is waited for where nobody says so."""
        rule = self._rule(run)
        whole = _DEFAULT_SECONDS if rule is None else rule.timeout_seconds
        least = _LEAST_SECONDS if rule is None else 0.0
        return min(max(least, whole - up_seconds(run, seen=run.live)), _MOST_SECONDS)

    async def _until_something(self, process: Process, run: Run, lookout: Lookout, until: float) -> str | None:
        """Return when it is known, when the time is up, or when it asks for input: then what it asks."""
        questions: list[str] = []
        async with anyio.create_task_group() as group:

            async def watch_input() -> None:
                question = await until_stuck(self._prompts, process, run)
                if question is not None:
                    questions.append(question)
                    group.cancel_scope.cancel()

            async def watch_time() -> None:
                await lookout.looked()
                await anyio.sleep_until(until)
                group.cancel_scope.cancel()

            group.start_soon(watch_input)
            group.start_soon(watch_time)
            await lookout.done.wait()
            group.cancel_scope.cancel()
        return questions[0] if questions else None

    async def answer(
        self, process: Process, run: Run, lookout: Lookout | None = None, question: str | None = None
    ) -> Readiness:
        """What is known now. ``question``: what it asks for."""
        seconds = up_seconds(run, seen=run.live)
        rule = self._rule(run)
        if run.ready:
            seen = self._seen.get(run) or known_before(run, rule)
            return readiness("ready", seen.words, run.ready_seconds or seconds, seen=seen)
        if not run.live and run.state == "exited" and rule is None:
            return readiness("exited", run.reason or "exited with code 0", seconds)
        output = await self._output.last_lines(run, _READ_LINES, _READ_BYTES)
        lines, held = error_lines(output), await self._ports.trouble.explain(process, run, output)
        if not run.live:
            before = "" if run.state != "exited" else " before it was ready"
            words = f"{run.reason or run.state}{before}"
            hint = hint_for_port(held, words) or hint_for_end(run, lines)
            return readiness("failed", words, seconds, hint=hint, error_lines=lines)
        if question is not None:
            words = f"asks for input: {question}"
            return readiness("input", words, seconds, hint=how_to_answer(process), error_lines=lines)
        obstacles = await lookout.obstacles() if lookout is not None else ""
        words = f"not ready after {_told(seconds)} s" + (f": {obstacles}" if obstacles else "")
        problem = lookout.problem if lookout is not None else None
        hint = problem.hint if problem is not None else ""
        hint = hint or hint_for_port(held, words) or "look at its output, or wait longer"
        return readiness("timed_out", words, seconds, hint=hint, error_lines=lines)


def _told(seconds: float) -> str:
    """``2`` for the 1.98 s that a run had of a wait of 2."""
    return f"{round(seconds, 1 if seconds > 0.09 else 2):g}"
