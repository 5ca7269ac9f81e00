"""Rules as conditions that can be waited for."""

from __future__ import annotations

from collections.abc import Mapping

import anyio
import anyio.to_thread

from ..answers.output import Output
from ..ending import Ender
from ..environment import of_the_hub
from ..known_environment import known_environment
from ..logs.segments import Offsets
from ..model import Process, Run
from ..ports.holders import Holders, belongs_to, who
from ..waiting.conditions.condition import Condition, Looked, Met
from ..waiting.conditions.ending import answered
from ..waiting.conditions.line import Line, compiled, matching
from ..waiting.conditions.port import Port
from ..waiting.conditions.url import Target, Url, parse_url
from ..words.printed_urls import printed_url
from .checking import attempt
from .quiet import Completed, Over, Quiet
from .rules import Rule

__all__ = ["Command", "Conditions", "environment_for"]

_FIRST_PAUSE = 0.05
_FIRST_SECONDS = 0.5


class Conditions:
    """Makes conditions."""

    def __init__(self, ender: Ender, output: Output, holders: Holders) -> None:
        self._ender = ender
        self._output = output
        self._holders = holders

    async def of_rule(self, process: Process, run: Run, rule: Rule) -> Condition:
        """What somebody said. Raises `InvalidParams` for what cannot be looked for."""
        if rule.kind == "output":
            pattern = await anyio.to_thread.run_sync(compiled, rule.text)
            return Line(run, self._output, matching(pattern), _beginning)
        if rule.kind == "port":
            return self._port(run, rule.port)
        if rule.kind == "url":
            target = parse_url(rule.text)
            return Url(run, target, rule.wanted, rule.interval_seconds, lambda: self._of_another(process, target))
        if rule.kind == "command":
            return Command(run, rule)
        return Completed(run)

    def signs(self, run: Run) -> list[Condition]:
        """What tells when nobody said anything: a port, a URL that is printed, silence, the end."""
        return [self._port(run, 0), self.url_line(run), Quiet(run, self._output), Over(run)]

    async def _of_another(self, process: Process, target: Target) -> str:
        """Whose server answers there, in words, when it is another one of ours: that one is ready, not this one."""
        holder = await self._holders.of(target.port) if target.is_local else None
        if holder is None or holder["kind"] != "process":
            return ""
        if belongs_to(holder, process.project_directory, process.name):
            return ""
        return f"port {target.port} is held by {who(holder)}"

    def url_line(self, run: Run) -> Line:
        """A line that announces a URL."""
        return Line(run, self._output, _first_with_url, _beginning)

    def port_of_url(self, run: Run, url: str) -> Port:
        """It listens on the port of a URL."""
        return self._port(run, parse_url(url).port)

    def _port(self, run: Run, port: int) -> Port:
        return Port(run, port, self._ender, self._output, self._holders)


class Command:
    """A command exits with code 0."""

    def __init__(self, run: Run, rule: Rule) -> None:
        self._run = run
        self._rule = rule
        self._told = "the command has not ended yet"

    async def met(self, looked: Looked) -> Met | None:
        return await answered(self._run, lambda: self._answer(looked), looked, _FIRST_SECONDS)

    async def _answer(self, looked: Looked) -> Met:
        run, rule = self._run, self._rule
        pause = min(_FIRST_PAUSE, rule.interval_seconds)
        while True:
            well, self._told = await attempt(rule.value, run, await environment_for(run), rule.attempt_seconds)
            if well:
                return Met("exit")
            looked()
            await anyio.sleep(pause)
            pause = min(pause * 2, rule.interval_seconds)

    async def obstacle(self) -> str:
        return self._told


async def environment_for(run: Run) -> Mapping[str, str]:
    """The environment for a check of a run: its own; where nobody knows it any more, the daemon's."""
    found = await known_environment(run)
    return of_the_hub() if found is None else found


def _first_with_url(lines: list[str]) -> str | None:
    return next((line for line in lines if printed_url(line) is not None), None)


def _beginning(log: object) -> Offsets:
    return Offsets(0, 0)
