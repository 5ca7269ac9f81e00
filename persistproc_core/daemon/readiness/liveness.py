"""Whether runs that were ready go on to answer; one that does not is started again, as by a restart policy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread

from ...errors import PersistprocError, ShuttingDown
from ..ending import Ender
from ..events.journal import Journal
from ..kernel.ports import listeners
from ..log import Log
from ..model import Cause, Process, Run
from ..restarting.policy import Backoff
from ..restarting.starter import PERSISTPROC, Starter
from ..restarting.uptime import up_seconds
from ..waiting.conditions.url import ask, parse_url
from .checking import attempt
from .conditions import environment_for
from .rules import Rule

__all__ = ["Liveness"]

_LATE_SECONDS = 1.0


class Liveness:
    """Looks at runs in the intervals that somebody asked for."""

    def __init__(
        self,
        log: Log,
        journal: Journal,
        ender: Ender,
        *,
        write: Callable[[Run], Awaitable[None]],
        backoff: Callable[[], Backoff],
    ) -> None:
        """``write(run)`` writes its record, ``backoff()`` is the rule for restarts as configured now."""
        self._log = log
        self._journal = journal
        self._ender = ender
        self._write = write
        self._backoff = backoff
        self.starter: Starter | None = None
        """Who restarts; None: nobody does yet."""

    async def watch(self, process: Process, run: Run, rule: Rule) -> None:
        """Look at it until it ends or has failed too often in a row; then it is restarted."""
        failures = 0
        while process.current is run:
            with anyio.move_on_after(rule.interval_seconds):
                await run.ended.wait()
                return
            seen = await self._seen(run, rule)
            if seen is None or run.state != "running":
                continue  # it is being ended: what it answers then says nothing
            well, told = seen
            failures = 0 if well else failures + 1
            if failures >= rule.failures:
                await self._restart(process, run, _words(told, failures))
                return

    async def _seen(self, run: Run, rule: Rule) -> tuple[bool, str] | None:
        """What a look tells; None when it tells nothing.

        The run has ended meanwhile: a command that went on would be told as something that the run has left behind. Or
        this daemon could not run (SIGSTOP, a paused container), and its own time is up, not that of the process.
        """
        begun = anyio.current_time()
        found: list[tuple[bool, str]] = []
        async with anyio.create_task_group() as group:

            async def look() -> None:
                found.append(await self._look(run, rule))
                group.cancel_scope.cancel()

            group.start_soon(look)
            await run.ended.wait()
            group.cancel_scope.cancel()
        late = anyio.current_time() - begun > rule.timeout_seconds + _LATE_SECONDS
        return None if not found or (late and not found[0][0]) else found[0]

    async def _look(self, run: Run, rule: Rule) -> tuple[bool, str]:
        if rule.kind == "url":
            status, told = await ask(parse_url(rule.text), rule.timeout_seconds)
            return status is not None and rule.wanted.takes(status), told
        if rule.kind == "command":
            return await attempt(rule.value, run, await environment_for(run), rule.timeout_seconds)
        pids = [member.pid for member in await self._ender.members(run)]
        found = await anyio.to_thread.run_sync(listeners, pids)
        return any(each["port"] == rule.port for each in found), f"it does not listen on port {rule.port}"

    async def _restart(self, process: Process, run: Run, why: str) -> None:
        async with process.lock:
            # Whoever held the lock may have ended it.
            if process.removed or process.current is not run or run.state != "running":
                return
            number = self._backoff().following(run.restarts, up_seconds(run, seen=True))
            if number is None or self.starter is None:
                await self._tell(process, run, f"{why}; not restarted again: restarts did not help")
                return
            await self._tell(process, run, why)
            try:
                await self.starter.again(process, run, Cause("restarted", PERSISTPROC, why), number)
            except ShuttingDown:
                pass  # the next daemon looks at it again
            except PersistprocError as error:
                await self._tell(process, run, f"{why}; it could not be restarted: {error.message}")

    async def _tell(self, process: Process, run: Run, why: str) -> None:
        self._log.warning("run.unhealthy", run=run.run_id, reason=why)
        run.ready, run.reason = False, why
        self._journal.tell("unhealthy", process, run, by=PERSISTPROC, reason=why)
        await self._write(run)


def _words(told: str, failures: int) -> str:
    return f"liveness: {told}" + (f" ({failures} times in a row)" if failures > 1 else "")
