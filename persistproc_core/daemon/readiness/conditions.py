"""Rules as conditions that can be waited for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import anyio
import anyio.to_thread

from ..answers.output import Output
from ..ending import Ender
from ..environment import of_the_hub
from ..logs.segments import Offsets
from ..model import Process, Run
from ..ports.holders import belongs_to, who
from ..ports.ports import Ports
from ..registry import Registry
from ..waiting.conditions.condition import Condition, Looked, Met
from ..waiting.conditions.ending import wait_over
from ..waiting.conditions.line import Line, compiled, matching
from ..waiting.conditions.port import Port
from ..waiting.conditions.url import Target, Url, parse_url
from ..words.printed_urls import printed_url
from .checking import attempt
from .quiet import Completed, Over, Quiet
from .rules import Rule

__all__ = ["Command", "Conditions", "Environment", "known"]

_FIRST_PAUSE = 0.05
_FIRST_SECONDS = 0.5

Environment = Callable[[Run], Awaitable[Mapping[str, str] | None]]


class Conditions:
    """Makes conditions."""

    def __init__(
        self, ender: Ender, output: Output, registry: Registry, ports: Ports, environment: Environment
    ) -> None:
        """``environment(run)`` gives what a run was asked to have; None: nobody knows."""
        self._ender = ender
        self._output = output
        self._registry = registry
        self._ports = ports
        self._environment = environment

    async def of_rule(self, process: Process, run: Run, rule: Rule) -> Condition:
        """What somebody said. Raises `InvalidParams` for what cannot be looked for."""
        if rule.kind == "output":
            pattern = await anyio.to_thread.run_sync(compiled, _text(rule))
            return Line(run, self._output, matching(pattern), _beginning)
        if rule.kind == "port":
            return self._port(process, run, rule.port)
        if rule.kind == "url":
            target = parse_url(_text(rule))
            return Url(run, target, rule.wanted, rule.interval_seconds, lambda: self._of_another(process, target))
        if rule.kind == "command":
            return Command(run, rule, self._environment)
        return Completed(run)

    def signs(self, process: Process, run: Run) -> list[Condition]:
        """What tells when nobody said anything: a port, a URL that is printed, silence, the end."""
        return [self._port(process, run, 0), self.url_line(run), Quiet(run, self._output), Over(run)]

    async def _of_another(self, process: Process, target: Target) -> str:
        """Whose server answers there, in words, when it is another one of ours: that one is ready, not this one."""
        holder = await self._ports.holders.of(target.port) if target.is_local else None
        if holder is None or holder["kind"] != "process":
            return ""
        if belongs_to(holder, process.project_directory, process.name):
            return ""
        return f"port {target.port} is held by {who(holder)}"

    def url_line(self, run: Run) -> Line:
        """A line that announces a URL."""
        return Line(run, self._output, _first_with_url, _beginning)

    def port_of_url(self, process: Process, run: Run, url: str) -> Port:
        """It listens on the port of a URL."""
        return self._port(process, run, parse_url(url).port)

    def _port(self, process: Process, run: Run, port: int) -> Port:
        return Port(process, run, port, self._ender, self._output, self._registry)


class Command:
    """A command exits with code 0."""

    def __init__(self, run: Run, rule: Rule, environment: Environment) -> None:
        self._run = run
        self._rule = rule
        self._environment = environment
        self._told = "the command has not ended yet"

    async def met(self, looked: Looked) -> Met | None:
        met: list[Met] = []
        async with anyio.create_task_group() as group:

            async def ask() -> None:
                met.append(await self._answer(looked))
                group.cancel_scope.cancel()

            async def begin() -> None:
                # A command that hangs must not keep the wait's own time from being up.
                await anyio.sleep(_FIRST_SECONDS)
                looked()

            group.start_soon(ask)
            group.start_soon(begin)
            await wait_over(self._run)
            group.cancel_scope.cancel()
        return met[0] if met else None

    async def _answer(self, looked: Looked) -> Met:
        run, rule = self._run, self._rule
        pause = min(_FIRST_PAUSE, rule.interval_seconds)
        while True:
            well, self._told = await attempt(rule.value, run, await known(self._environment, run), rule.attempt_seconds)
            if well:
                return Met("exit")
            looked()
            await anyio.sleep(pause)
            pause = min(pause * 2, rule.interval_seconds)

    async def obstacle(self) -> str:
        return self._told


async def known(environment: Environment, run: Run) -> Mapping[str, str]:
    """The environment of a run; where nobody knows it any more, the daemon's."""
    found = await environment(run)
    return of_the_hub() if found is None else found


def _text(rule: Rule) -> str:
    return rule.value if isinstance(rule.value, str) else ""


def _first_with_url(lines: list[str]) -> str | None:
    return next((line for line in lines if printed_url(line) is not None), None)


def _beginning(log: object) -> Offsets:
    return Offsets(0, 0)
