"""One look-out for the readiness of one run, shared by all who wait for it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from ...errors import PersistprocError
from ..model import Process, Run
from ..waiting.attempt import Attempt
from ..waiting.conditions.condition import Condition, Met, unheeded
from ..words.printed_urls import printed_url
from .conditions import Conditions
from .evidence import Seen, seen_by_rule, seen_by_sign
from .rules import Rule

__all__ = ["Lookout"]

_SAID_SECONDS = 0.5
"""Servers say where they listen just after they do; and one that fails at that ends just after it said so."""


class Lookout:
    """Lasts until it has seen something, nothing can come any more, or the last who waits for it has left."""

    def __init__(self, process: Process, run: Run, rule: Rule | None, until: float) -> None:
        """``rule`` None: the first sign counts. ``until``: for how long it lasts although nobody waits."""
        self.process = process
        self.run = run
        self.rule = rule
        self.seen: Seen | None = None
        self.problem: PersistprocError | None = None
        """Why it cannot be looked for any more."""
        self.done = anyio.Event()
        self._until = until
        self._waits: list[float] = []
        self._attempt = Attempt(until)

    @contextmanager
    def waiting(self, until: float = math.inf) -> Iterator[None]:
        """Somebody waits for it, until then."""
        self._waits.append(until)
        self._refit()
        try:
            yield
        finally:
            self._waits.remove(until)
            self._refit()

    def _refit(self) -> None:
        self._attempt.postpone(max(self._until, *self._waits, -math.inf))

    async def look(self, conditions: Conditions) -> Seen | None:
        """What it is ready by; None when it did not come."""
        try:
            await self._add(conditions)
            await self._attempt.run()
            met = self._attempt.met
            return None if met is None else await self._seen(conditions, met)
        except PersistprocError as error:
            self.problem = error
            return None

    async def looked(self) -> None:
        """Return when everything was looked at once."""
        await self._attempt.looked.wait()

    async def obstacles(self) -> str:
        """Why it is not ready, where more can be told than that."""
        if self.problem is not None:
            return self.problem.message
        found = await self._attempt.obstacles()
        if self.rule is not None and self.rule.kind == "output":
            found.append(f"no line of its output matches {self.rule.text}")
        return "; ".join(found)

    async def _add(self, conditions: Conditions) -> None:
        if self.rule is None:
            for condition in conditions.signs(self.run):
                self._attempt.add(condition)
        else:
            self._attempt.add(await conditions.of_rule(self.process, self.run, self.rule))

    async def _seen(self, conditions: Conditions, met: Met) -> Seen | None:
        if self.rule is not None:
            return seen_by_rule(self.rule, met)
        if met.what == "exit":
            return None
        if met.what in ("port", "output"):
            met = await self._with_more(conditions, met)
        return seen_by_sign(met, met.line)

    async def _with_more(self, conditions: Conditions, met: Met) -> Met:
        """With the other one of the port and the line, once it had the time to come."""
        if met.line is None:
            other: Condition = conditions.url_line(self.run)
        else:
            other = conditions.port_of_url(self.run, printed_url(met.line) or "")
        found: list[Met | None] = []
        with anyio.move_on_after(_SAID_SECONDS):
            found.append(await other.met(unheeded))
            if found == [None]:
                await self.run.ended.wait()  # it has ended, or is about to be told so
        more = found[0] if found else None
        return met if more is None else met._replace(line=met.line or more.line, port=met.port or more.port)
