"""Ending a run: signal, wait, SIGKILL, until nothing of it is left, or the survivors are named.

The group is signalled through the keeper, whose unreaped child holds the group's number; everything else through a
handle on the exact process. Nobody is asked twice a second whether it is dead: handles become readable.
"""

from __future__ import annotations

import math
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

import anyio
import anyio.to_thread

from ..errors import StopTimedOut
from ..protocol import Survivor
from ..signal_names import signal_name
from .adopting.kin import members as adopted_members
from .keeper import Keeper
from .kernel.identity import Handle, Identity, command_line, send_to
from .kernel.process_table import Process, ProcessTable, escaped
from .kernel.procfs import ignores
from .kernel.tables import Tables
from .model import Run

__all__ = ["Ender", "Ending", "wait_gone"]

Answer = TypeVar("Answer")

_KILL_SECONDS = 5.0
_LEAST_GRACE_OF_ESCAPED = 1.0
_POLL_SECONDS = 0.05
_EXEC_SECONDS = 0.005
_EXEC_LOOKS = 4


class Ending(NamedTuple):
    """How a run was ended: the last signal that was needed, and every process that was there."""

    ended_by: str | None
    pids: tuple[int, ...]


class Ender:
    """Ends runs."""

    def __init__(self, keeper: Keeper, tables: Tables) -> None:
        self._keeper = keeper
        self._tables = tables
        self._attempts: dict[Run, _Attempt] = {}
        self._in_haste: list[Run] = []

    async def members(self, run: Run) -> list[Process]:
        """The live processes of a run, now."""
        return (await self.members_of([run]))[run.run_id]

    async def members_of(self, runs: list[Run]) -> dict[str, list[Process]]:
        """The live processes of several runs, at one look, by run id."""
        return await self.look(runs, lambda members: members) if runs else {}

    async def look(self, runs: Iterable[Run], then: Callable[[dict[str, list[Process]]], Answer]) -> Answer:
        """What ``then(members)`` says of the live processes of several runs, by run id; asked in the same thread."""
        return await self._tables.ask(lambda table: then({run.run_id: _members(table, run) for run in runs}))

    async def members_for_certain(self, run: Run) -> list[Process]:
        """The live processes of a run, also one that is just between two programs.

        The environment of a process reads empty while it executes another program (see `procfs.environment_bytes`);
        on a busy machine that takes milliseconds. Some processes never have any, so this is asked a few times only.
        """
        found: list[Process] = []
        since = run.identity.start if run.identity else 0
        for _ in range(_EXEC_LOOKS):
            found, may_be_more = await self._tables.ask(lambda table: _members_or_blank(table, run, since))
            if not may_be_more:
                break
            await anyio.sleep(_EXEC_SECONDS)
        return found

    async def end(
        self, run: Run, signum: int, grace_seconds: float, *, force: bool = False, leave_escaped: bool = False
    ) -> Ending:
        """End all processes of the run; returns when none is left.

        The group first, then, once it is gone, what left its session. Raises `StopTimedOut` when something survives
        SIGKILL for five seconds (an uninterruptible sleep, another user's process).
        """
        attempt = self._attempts[run] = _Attempt(self, run)
        if run in self._in_haste:
            attempt.hasten()
        try:
            deadline = anyio.current_time() + (0 if force else grace_seconds)
            first = signal.SIGKILL if force else signum
            await attempt.clear(first, deadline, of_session=True)
            if not leave_escaped:
                least = anyio.current_time() + (0 if force else min(grace_seconds, _LEAST_GRACE_OF_ESCAPED))
                await attempt.clear(first, max(deadline, least), of_session=False)
            return Ending(attempt.ended_by, tuple(sorted(attempt.seen)))
        finally:
            del self._attempts[run]

    @contextmanager
    def in_haste(self, run: Run) -> Iterator[None]:
        """Meanwhile whoever ends the run, or has begun to, leaves it no time."""
        self._in_haste.append(run)
        if run in self._attempts:
            self._attempts[run].hasten()
        try:
            yield
        finally:
            self._in_haste.remove(run)

    async def signal_members(self, run: Run, signum: int, members: list[Process], *, of_session: bool) -> None:
        """Send one signal to these members, the group at one go where that is safe."""
        sent = of_session and not run.foreign and await self._keeper.signal(run, signum, "group")
        for member in members:
            if sent and member.pgid == run.pid:
                continue
            send_to(member.identity, signum)


class _Attempt:
    """One attempt to end one run."""

    def __init__(self, ender: Ender, run: Run) -> None:
        self._ender = ender
        self._run = run
        self.seen: set[int] = set()
        self.ended_by: str | None = None
        self._hastened = False
        self._waiting = anyio.CancelScope()

    def hasten(self) -> None:
        """SIGKILL comes now."""
        self._hastened = True
        self._waiting.cancel()

    def _until(self, deadline: float) -> float:
        return -math.inf if self._hastened else deadline

    async def _left(self, of_session: bool) -> list[Process]:
        # The session needs no environment to be known; what left it is known by nothing else.
        members = await (self._ender.members if of_session else self._ender.members_for_certain)(self._run)
        outside = set() if self._run.foreign else {process.pid for process in escaped(members, self._run.pid)}
        left = [process for process in members if (process.pid not in outside) == of_session]
        self.seen.update(process.pid for process in left)
        return left

    async def clear(self, signum: int, deadline: float, *, of_session: bool) -> None:
        left = await self._left(of_session)
        told: set[Identity] = set()
        while left and anyio.current_time() < self._until(deadline):
            # A process that was forked between the look and the signal has not been told yet.
            news = [process for process in left if process.identity not in told]
            if news:
                await self._send(signum, news, of_session)
                told.update(process.identity for process in news)
            left = await self._wait(left, self._until(deadline), of_session)
        killed_until = anyio.current_time() + _KILL_SECONDS
        while left:
            await self._send(signal.SIGKILL, left, of_session)
            left = await self._wait(left, killed_until, of_session)
            if left and anyio.current_time() >= killed_until:
                raise _timed_out(left)

    async def _send(self, signum: int, to: list[Process], of_session: bool) -> None:
        self.ended_by = signal_name(signum)
        if signum == signal.SIGTERM and (self._run.settings.tty or self._run.settings.shell):
            # An interactive shell ignores SIGTERM; the end of its terminal it does not (systemd.kill(5), SendSIGHUP=).
            # It alone is told: whoever cleans up after SIGTERM would be killed in the middle of it. And it is told
            # first, or it would go on with its next command when the one that it waits for has ended.
            deaf = [process for process in to if ignores(process.pid, signum)]
            await self._ender.signal_members(self._run, signal.SIGHUP, deaf, of_session=False)
        await self._ender.signal_members(self._run, signum, to, of_session=of_session)
        if signum != signal.SIGKILL:
            # One that was stopped (Ctrl-Z, SIGSTOP) would never get to see the signal (signal(7)).
            await self._ender.signal_members(self._run, signal.SIGCONT, to, of_session=of_session)

    async def _wait(self, processes: list[Process], deadline: float, of_session: bool) -> list[Process]:
        with anyio.CancelScope(deadline=deadline) as self._waiting:
            for process in processes:
                await wait_gone(process.identity)
        return await self._left(of_session)


async def wait_gone(identity: Identity) -> None:
    """Wait until the process has ended; a zombie has."""
    handle = Handle.open(identity)
    if handle is None:
        return
    try:
        if handle.fd >= 0:
            await anyio.wait_readable(handle.fd)
        else:
            # No pidfds here (macOS): the one place where asking again and again is all there is.
            while handle.is_alive():  # noqa: ASYNC110
                await anyio.sleep(_POLL_SECONDS)
    finally:
        handle.close()


def _members(table: ProcessTable, run: Run) -> list[Process]:
    leader = table.processes.get(run.pid or 0)
    if run.captured:
        # Its group, session and children are those of its user's pipeline: it alone is ours.
        return [leader] if leader is not None and leader.alive and leader.identity == run.identity else []
    if run.adopted:
        return adopted_members(table, run)
    # Unreaped by the keeper, or in this very look by its identity: then the leader's number means this run.
    trusted = run.is_child or (leader is not None and leader.identity == run.identity)
    return table.members(run.run_id, run.pid, trust_session=trusted)


def _members_or_blank(table: ProcessTable, run: Run, since: int) -> tuple[list[Process], bool]:
    """The members; and whether there is none, but a process that may be one."""
    found = _members(table, run)
    return found, not found and not run.foreign and table.blank_since(since)


def _timed_out(left: list[Process]) -> StopTimedOut:
    survivors: list[Survivor] = [
        {"pid": process.pid, "state": process.state, "command": command_line(process.pid)} for process in left
    ]
    names = ", ".join(f"{survivor['pid']} ({survivor['command']})" for survivor in survivors)
    return StopTimedOut(
        f"still alive {_KILL_SECONDS:g} s after SIGKILL: {names}",
        hint="look at them with ps; a process in state D waits for the kernel",
        data={"survivors": survivors},
    )
