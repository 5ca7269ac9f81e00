"""Waiting until a process of the run listens on a port, or on any."""

from __future__ import annotations

import anyio
import anyio.to_thread

from ...answers.output import Output
from ...ending import Ender
from ...kernel.listening import PortWatch
from ...kernel.ports import holders, listeners
from ...kernel.process_table import Process as Member
from ...kernel.procfs import read_stat
from ...logs.reader import RunLog
from ...model import Run
from ...ports.holders import Holders, who
from .condition import Looked, Met
from .ending import wait_over

__all__ = ["Port"]

_WITHOUT_KERNEL_SECONDS = 0.1
_WHOLE_LOOK_SECONDS = 5.0
_FIRST_LOOK_AGAIN = 0.01
_LONGEST_LOOK_AGAIN = 1.0
_OFTEN_SECONDS = 10.0
"""So long the port is asked for so often that output tells nothing new."""
_GROWTH_PAUSE = 0.1


class Port:
    """A process of the run listens on the TCP port, or on any (0)."""

    def __init__(self, run: Run, port: int, ender: Ender, output: Output, holders_of_ports: Holders) -> None:
        self._run = run
        self._port = port
        self._ender = ender
        self._output = output
        self._holders = holders_of_ports
        self._seen: frozenset[bytes] = frozenset()
        self._members: list[Member] = []

    async def met(self, looked: Looked) -> Met | None:
        met: list[Met] = []
        watch = PortWatch(self._port)
        async with anyio.create_task_group() as group:

            async def look() -> None:
                met.append(Met("port", port=await self._watch(watch, looked)))
                group.cancel_scope.cancel()

            try:
                group.start_soon(look)
                group.start_soon(self._kick_on_growth, watch)
                await wait_over(self._run)
                group.cancel_scope.cancel()
            finally:
                watch.close()
        return met[0] if met else None

    async def _watch(self, watch: PortWatch, looked: Looked) -> int:
        pause = _FIRST_LOOK_AGAIN
        while (port := await self._heard()) is None:
            looked()
            if not watch.works:
                await anyio.sleep(_WITHOUT_KERNEL_SECONDS)
                continue
            # Somebody listens who is none of ours: one of ours may get the socket later. Nobody listens: one in a
            # network namespace of its own is not in the kernel's answer.
            others = self._seen and self._port
            sockets = await watch.wait_changed(self._seen, pause if others else _WHOLE_LOOK_SECONDS)
            pause = min(pause * 2, _LONGEST_LOOK_AGAIN) if sockets == self._seen else _FIRST_LOOK_AGAIN
            self._seen = sockets
        return port

    async def _heard(self) -> int | None:
        """The port on which one of the run listens."""
        if self._seen:
            pid = await anyio.to_thread.run_sync(_who_holds, self._members, self._seen)
            port = None if pid is None else await self._heard_of([pid])
            if port is not None:
                return port
        self._members = await self._ender.members(self._run)
        return await self._heard_of([member.pid for member in self._members])

    async def _heard_of(self, pids: list[int]) -> int | None:
        found = await anyio.to_thread.run_sync(listeners, pids)
        return next((listener["port"] for listener in found if self._port in (0, listener["port"])), None)

    async def _kick_on_growth(self, watch: PortWatch) -> None:
        # What a server prints when it listens comes right after the listening: a good moment to ask.
        await anyio.sleep(_OFTEN_SECONDS)
        log = RunLog(self._run.directory)
        while self._run.live:
            await anyio.sleep(_GROWTH_PAUSE)
            sizes = await anyio.to_thread.run_sync(log.sizes)
            await self._output.wait_beyond(self._run, sizes, "combined")
            watch.kick()

    async def obstacle(self) -> str:
        if self._port == 0:
            return "it listens on no port"
        holder = await self._holders.of(self._port)
        if holder is None:
            return f"nobody listens on port {self._port}"
        if holder["kind"] == "process":
            return f"port {self._port} is held by {who(holder)}"
        somebody = "a process of another user" if holder["pid"] is None else f"pid {holder['pid']}"
        return f"port {self._port} is held by {somebody}, which is not of this run"


def _who_holds(members: list[Member], sockets: frozenset[bytes]) -> int | None:
    """The first that was of the run a moment ago and has such a socket: quicker than to look who is of it now."""
    for member in members:
        stat = read_stat(member.pid)
        if stat is not None and stat.start == member.start and holders(sockets, [member.pid]):
            return member.pid
    return None
