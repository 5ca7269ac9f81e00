"""Bringing processes up: each as soon as what it needs is as far as it is needed, in parallel otherwise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

import anyio

from ...errors import PersistprocError, ProcessProtected, ShuttingDown, StartFailed
from ...protocol import ClientInfo, DependencyCondition, ProcessResult, StartProjectParams
from ..deeds import Deeds
from ..model import Process, Run
from ..registry import Registry
from ..supervisor import Supervisor
from .becoming import Becoming, Begun, Readies
from .crossing import Stopped
from .deciding import Decision, is_running
from .keeping import Keeping
from .plan import Plan
from .selection import dependents
from .steps import Step, result
from .turns import Turns
from .wanted import Wanted

__all__ = ["Tools", "Up"]

_ASKED_FOR = "asked for"
_REPORTED_WITHIN = 2.0


class Tools(NamedTuple):
    """What brings processes up."""

    registry: Registry
    supervisor: Supervisor
    readies: Readies
    keeping: Keeping
    turns: Turns
    deeds: Deeds
    last_lines: Callable[[Run], Awaitable[list[str]]]
    """The end of a run's output."""


class Up:
    """One request to bring a project's processes up."""

    def __init__(
        self,
        tools: Tools,
        plan: Plan,
        params: StartProjectParams,
        client: ClientInfo,
        *,
        stopped: Stopped,
        deadline: float,
    ) -> None:
        """``stopped``: what is not to be started any more, as it comes to be known."""
        self._tools = tools
        self._file = plan.file
        self._plan = plan
        self._params = params
        self._client = client
        self._deadline = deadline
        self._becoming = Becoming(tools.readies, tools.last_lines, deadline, waits=params.get("wait", True))
        entries = {name: each.entry for name, each in plan.wanted.items()}
        expected = {name: set(dependents(entries.values(), name).values()) for name in entries}
        self._steps = {name: Step(entry, expected[name]) for name, entry in entries.items()}
        self._stopped = stopped
        self._failure: ShuttingDown | None = None
        self._scope = anyio.CancelScope()

    async def run(self) -> list[ProcessResult]:
        """What became of each, in the order of the file. Who is cancelled starts nothing more."""
        try:
            with self._scope:
                # A wait gives up by itself, and tells more.
                self._scope.deadline = self._deadline + _REPORTED_WITHIN
                async with anyio.create_task_group() as group:
                    for step in self._steps.values():
                        group.start_soon(self._bring, step)
        finally:
            self._stopped.add(None, "nobody waits for it any more")
        if self._failure is not None:
            raise self._failure
        return [step.result or self._late(step) for step in self._steps.values()]

    def _late(self, step: Step) -> ProcessResult:
        missing = self._missing(step)
        if step.began is None and missing:
            step.not_started(missing, self._why_not(step, missing))
        else:
            step.failed(PersistprocError("the time was up before it was known to be ready"))
        assert step.result is not None
        return step.result

    # --- one process --------------------------------------------------------------------------------------------------

    async def _bring(self, step: Step) -> None:
        try:
            await self._needs(step)
            missing = self._missing(step)
            step.began = None if missing else anyio.current_time()
            begin = partial(self._go_on, step, missing) if missing else partial(self._begin, step)
            begun = await self._tools.deeds.run("start_project", begin)
            if begun is not None:
                await self._becoming.follow(step, begun)
            elif step.result is None:
                step.not_started([], "it was removed this very moment")
        except ShuttingDown as error:
            self._failure = error
            self._scope.cancel()
        except PersistprocError as error:
            step.failed(self._placed(step, error))
        finally:
            step.close()

    def _placed(self, step: Step, error: PersistprocError) -> PersistprocError:
        """With the place in the file, where that is what is wrong."""
        if isinstance(error, StartFailed) and step.entry.line is not None:
            error.message = f"{self._file.path}, line {step.entry.line}: {error.message}"
        return error

    async def _needs(self, step: Step) -> None:
        """Wait until it is known how far what it needs gets, up to the first that does not get far enough."""
        for name, condition in step.entry.needs.items():
            milestone = self._steps[name].milestones[condition]
            with anyio.move_on_at(self._deadline):
                await milestone.known.wait()
            if not milestone.reached:
                return

    def _missing(self, step: Step) -> list[str]:
        needs = step.entry.needs.items()
        return [name for name, condition in needs if not self._steps[name].milestones[condition].reached]

    def _why_not(self, step: Step, missing: list[str]) -> str:
        """``db did not become ready; migrate was not started``, or that the time was up before they did."""
        is_late = anyio.current_time() >= self._deadline
        found = [self._steps[name] for name in missing]
        late = {each.entry.name for each in found if is_late and (each.is_late or each.result is None)}
        words = "; ".join(
            _missing_words(each, step.entry.needs[each.entry.name], each.entry.name in late) for each in found
        )
        return f"the time was up: {words}" if late else words

    async def _begin(self, step: Step) -> Begun | None:
        """Start it, restart it, or leave it as it is. Two who come at once find the same done."""
        name = step.entry.name
        async with self._tools.turns.of(self._file.directory, name):
            why_not = self._stopped.reason(name)
            if why_not is not None:
                step.not_started([], why_not)
                return None
            wanted = await self._made_exact(name)
            while True:
                decision = await self._decide(wanted)
                try:
                    if decision.action == "none":
                        return await self._keep(wanted, decision)
                    begun = await self._start(wanted, decision)
                except ProcessProtected as error:
                    begun = self._left_alone(name, decision, error)
                    if begun is None:
                        raise
                if begun is not None:
                    return begun
                # Somebody has started it by hand this very moment: that is looked at as what runs already.

    async def _go_on(self, step: Step, missing: list[str]) -> Begun | None:
        """Leave alone what runs from before; it is not started, nor restarted, without what it needs."""
        reason = self._why_not(step, missing)
        process = self._tools.registry.get(self._file.directory, step.entry.name)
        if process is None or process.current is None or not is_running(process):
            step.not_started(missing, reason)
            return None
        step.began = anyio.current_time()
        decision = await self._decide(self._plan.wanted[step.entry.name])
        if decision.action != "none":
            step.not_started(missing, f"not restarted ({'; '.join(decision.changes)}): {reason}; it runs as it was")
            return None
        outcome: ProcessResult = {**result(process.name), "reason": f"it runs on, although {reason}"}
        return Begun(process, process.current, outcome)

    async def _decide(self, wanted: Wanted) -> Decision:
        decision = await self._plan.decide(wanted)
        if decision.action == "none" and self._params.get("restart", False) and not decision.is_done:
            return Decision("restart", [_ASKED_FOR])
        return decision

    async def _made_exact(self, name: str) -> Wanted:
        wanted = self._plan.wanted[name]
        if wanted.problem is not None:
            # Its directory was missing; what it needs may have made it.
            wanted = await self._plan.again(wanted)
        if wanted.problem is not None:
            raise wanted.problem
        return wanted

    async def _keep(self, wanted: Wanted, decision: Decision) -> Begun | None:
        process = self._tools.registry.get(self._file.directory, wanted.entry.name)
        if process is None or process.current is None:
            return None  # removed this very moment
        words = await self._tools.keeping.keep(process, wanted, decision, self._client, forced=self._forced)
        return Begun(process, process.current, {**result(process.name), "reason": words}, is_done=decision.is_done)

    def _left_alone(self, name: str, decision: Decision, error: ProcessProtected) -> Begun | None:
        """What it is to those that need it: it runs on, though not as the file says. None: it does not run."""
        process = self._tools.registry.get(self._file.directory, name)
        if process is None or process.current is None or not is_running(process):
            return None
        what = "; ".join(decision.changes) or ", ".join([*decision.options, *decision.settings])
        reason = f"left as it was ({what}): {error.message}"
        return Begun(process, process.current, {**result(name), "reason": reason, "hint": error.hint or None})

    async def _start(self, wanted: Wanted, decision: Decision) -> Begun | None:
        """None: it was started by somebody else meanwhile."""
        params = wanted.params.copy()
        asked_reason = self._params.get("reason", "").strip()
        reason = self._reason(decision, asked_reason)
        if reason:
            params["reason"] = reason
        params["force"] = bool(self._forced)
        again = decision.action == "restart"
        params["fresh"] = again
        params["replace"] = again or _is_planned(self._tools.registry.get(self._file.directory, wanted.entry.name))
        started = await self._tools.supervisor.start(params, self._client, of_project=wanted.of_project)
        if started.joined:
            return None
        outcome: ProcessResult = {**result(wanted.entry.name), "outcome": "restarted" if again else "started"}
        outcome["reason"] = "; ".join(decision.changes) or None
        return Begun(started.process, started.run, outcome)

    @property
    def _forced(self) -> str:
        """What is done in spite of a protection needs the reason of who asks, not ours."""
        return self._params.get("reason", "").strip() if self._params.get("force", False) else ""

    def _reason(self, decision: Decision, asked: str) -> str:
        if decision.action != "restart" or decision.changes == [_ASKED_FOR]:
            return asked
        why = f"{self._file.format} changed: {'; '.join(decision.changes)}"
        return (f"{asked} ({why})" if asked else why)[:500]


def _missing_words(step: Step, needed: DependencyCondition, is_late: bool) -> str:
    name = step.entry.name
    if step.began is None:
        return f"{name} was not started"
    if is_late:
        yet: dict[DependencyCondition, str] = {
            "started": "was not started yet",
            "ready": "was not ready yet",
            "completed": "had not completed yet",
        }
        return f"{name} {yet[needed]}"
    words: dict[DependencyCondition, str] = {
        "started": "could not be started",
        "ready": "did not become ready",
        "completed": "did not complete",
    }
    return f"{name} {words[_at(step, needed)]}"


def _at(step: Step, needed: DependencyCondition) -> DependencyCondition:
    """What it stuck at: what could not be started is not said to have not become ready."""
    return needed if step.milestones["started"].reached else "started"


def _is_planned(process: Process | None) -> bool:
    return process is not None and process.planned is not None
