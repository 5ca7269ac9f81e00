"""What nobody announces: ports and questions. Looked for while somebody watches such events, and never otherwise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread

from ...protocol import EventType, Listener
from ..ending import Ender
from ..events.journal import Journal
from ..kernel.ports import listeners_by_run
from ..kernel.sock_diag import SocketTable
from ..model import Process, Run
from ..registry import Registry
from ..tasks import Tasks
from ..waiting.prompts import Prompts

__all__ = ["Watchers"]

_PROMPT_KINDS: tuple[EventType, ...] = ("waiting_for_input", "input_taken")
_PORT_KINDS: tuple[EventType, ...] = ("port_opened", "port_closed")
_SHORTEST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0
_WHOLE_LOOK_SECONDS = 5.0

_Endpoint = tuple[int, str]


class Watchers:
    """Tells the journal of ports and questions."""

    def __init__(self, registry: Registry, journal: Journal, prompts: Prompts, ender: Ender, tasks: Tasks) -> None:
        self._registry = registry
        self._journal = journal
        self._prompts = prompts
        self._ender = ender
        self._tasks = tasks

    async def run(self) -> None:
        """Work for ever. Nothing wakes up while nobody watches."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._while_watched, _PROMPT_KINDS, self._watch_prompts)
            group.start_soon(self._while_watched, _PORT_KINDS, self._watch_ports)

    async def _while_watched(self, kinds: tuple[EventType, ...], work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self._until(lambda: self._journal.watches(*kinds))
            async with anyio.create_task_group() as group:
                group.start_soon(self._tasks.guard, work)
                await self._until(lambda: not self._journal.watches(*kinds))
                group.cancel_scope.cancel()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await self._journal.changed.wait()

    def _present(self) -> list[tuple[Process, Run]]:
        # One that is starting is not the keeper's yet; its start is told.
        return [(process, run) for process, run in self._registry.runs() if run.present and run.state != "starting"]

    # --- questions ----------------------------------------------------------------------------------------------------

    async def _watch_prompts(self) -> None:
        known: set[Run] = set()
        async with anyio.create_task_group() as group:
            while True:
                known = {run for run in known if run.live}
                for process, run in self._present():
                    if run.live and run not in known:
                        known.add(run)
                        group.start_soon(self._tasks.guard, self._prompts.watch, process, run, _ignore)
                await self._journal.changed.wait()

    # --- ports --------------------------------------------------------------------------------------------------------

    async def _watch_ports(self) -> None:
        known = await self._look()  # what was open before is no news
        try:
            with SocketTable() as table:
                await self._go_on_watching(known, table)
        except OSError:
            await self._go_on_watching(known, None)  # no netlink here (macOS, a sandbox)

    async def _go_on_watching(self, known: dict[Run, dict[_Endpoint, Listener]], table: SocketTable | None) -> None:
        pause = _SHORTEST_PAUSE
        seen: object = None
        next_look = 0.0
        runs: set[Run] = set()
        while True:
            changed = self._journal.changed
            now_present = {run for _, run in self._present()}
            if not now_present and not known:
                await changed.wait()
                continue
            if now_present != runs:
                runs, pause = now_present, _SHORTEST_PAUSE
            # The kernel's list of all listeners takes 50 us; a look at the processes of all runs takes milliseconds.
            sockets = table.listening() if table is not None else None
            if sockets != seen or known.keys() != runs or anyio.current_time() >= next_look:
                pause = _SHORTEST_PAUSE if sockets != seen else pause
                seen = sockets
                next_look = anyio.current_time() + (_WHOLE_LOOK_SECONDS if table is not None else _LONGEST_PAUSE)
                self._tell(known, await self._look())
            with anyio.move_on_after(pause):
                await changed.wait()
            pause = min(pause * 1.25, _LONGEST_PAUSE)

    async def _look(self) -> dict[Run, dict[_Endpoint, Listener]]:
        runs = {run.run_id: run for _, run in self._present()}
        members = await self._ender.members_of(list(runs.values()))
        pids = {run_id: [member.pid for member in found] for run_id, found in members.items()}
        found = await anyio.to_thread.run_sync(listeners_by_run, pids)
        return {
            runs[run_id]: {(listener["port"], listener["address"]): listener for listener in listeners}
            for run_id, listeners in found.items()
        }

    def _tell(self, known: dict[Run, dict[_Endpoint, Listener]], found: dict[Run, dict[_Endpoint, Listener]]) -> None:
        for run in known.keys() | found.keys():
            before, after = known.get(run, {}), found.get(run, {})
            owner = self._registry.run(run.run_id)
            for port, address in sorted(before.keys() ^ after.keys()) if owner is not None else ():
                kind: EventType = "port_opened" if (port, address) in after else "port_closed"
                assert owner is not None
                self._journal.tell(kind, owner[0], run, port=port, address=address)
        known.clear()
        known.update(found)


def _ignore(text: str | None, since: float) -> None:
    """What the runs ask for is told by `Prompts` itself."""
