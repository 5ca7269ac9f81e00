"""Servers that somebody started outside of persistproc, taken into the list: ``persistproc adopt :3000``.

The leader of such a run is a child of somebody else. Its state, ports and use of the machine are told as for every
other process; its end by its pidfd; its output where that goes to a file. A restart runs its command line as a process
of ours.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread

from ...errors import InvalidParams, NotAdoptable
from ...project_file.root import project_root
from ...protocol import AdoptProcessParams, ClientInfo, Holder
from ..foreign import begin, check_free, connect, with_process
from ..kernel.identity import Identity, boot_id, identity_of
from ..kernel.peer import Peer
from ..kernel.ports import listeners
from ..kernel.process_table import ProcessTable, scan
from ..lifecycle import Lifecycle
from ..model import Cause, Process, Run, new_run_id
from ..protection import Demand
from ..registry import Registry, full_name
from ..settings import Options, Settings
from ..states import Event
from ..store import Store
from ..supervisor import Supervisor
from ..words.command import Command, check_name, default_name, free_name, parse_command
from .found import Found, examine

__all__ = ["Adopting"]


class Adopting:
    """Makes runs of what is there."""

    def __init__(
        self,
        registry: Registry,
        lifecycle: Lifecycle,
        supervisor: Supervisor,
        disk: Store,
        holder: Callable[[int], Awaitable[Holder | None]],
    ) -> None:
        """``holder(port)``: who listens on it."""
        self._registry = registry
        self._lifecycle = lifecycle
        self._supervisor = supervisor
        self._disk = disk
        self._holder = holder
        self._one_at_a_time = anyio.Lock()

    async def adopt(self, params: AdoptProcessParams, peer: Peer, client: ClientInfo) -> Process:
        """Take a process into the list; asked twice for the same one, the same run.

        Raises `NotAdoptable`, `NameTaken`, `StorageFailed`, `InvalidParams`.
        """
        name = check_name(params["name"]) if "name" in params else None
        if ("port" in params) == ("pid" in params):
            raise InvalidParams("give either port or pid", hint="which server is meant")
        async with self._one_at_a_time:
            pid = params["pid"] if "pid" in params else await self._listening(params["port"])
            known = self._adopted(await anyio.to_thread.run_sync(identity_of, pid))
            if known is not None:
                return await self._again(*known, name)
            found = await self._examine(pid, peer)
            return await self._adopt(found, name, Demand(client, params.get("reason", "").strip() or None))

    def _adopted(self, identity: Identity | None) -> tuple[Process, Run] | None:
        for process, run in self._registry.runs():
            if run.adopted and run.live and identity is not None and run.identity == identity:
                return process, run
        return None

    async def _again(self, process: Process, run: Run, name: str | None) -> Process:
        if name is not None and name != process.name:
            raise NotAdoptable(
                f"pid {run.pid} is adopted already, as {full_name(process)}",
                hint=f"persistproc rm {process.name} takes it out of the list and leaves it running",
            )
        await connect(self._lifecycle, run)  # of a daemon that died before it came to that
        return process

    async def _listening(self, port: int) -> int:
        """The first of the processes that listen on a port. Raises `NotAdoptable`."""
        holder = await self._holder(port)
        if holder is None:
            raise NotAdoptable(f"nobody listens on port {port}", hint="is the server up? its pid will do as well")
        if holder["kind"] == "process":
            address = f"{holder['project']}/{holder['name']}"
            if self._adopted(identity_of(holder["pid"] or 0)) is None:
                raise NotAdoptable(f"{address} listens on port {port} already", hint="there is nothing to do")
        if holder["pid"] is None:
            raise NotAdoptable(
                f"port {port} is held by a process of another user, or out of our sight",
                hint="only your own processes can be taken",
            )
        return await anyio.to_thread.run_sync(_first_of, holder["pid"], port)

    async def _examine(self, pid: int, peer: Peer) -> Found:
        table = await anyio.to_thread.run_sync(scan)
        for ours in (os.getpid(), self._lifecycle.keeper.pid, peer.pid):
            if ours is not None and pid in (ours, *table.ancestors(ours)):
                raise NotAdoptable(
                    f"pid {pid} is persistproc itself, or what it was started from",
                    hint="its end would be that of who asks for it",
                )
        await self._check_unknown(pid, table)
        return await anyio.to_thread.run_sync(examine, pid)

    async def _check_unknown(self, pid: int, table: ProcessTable) -> None:
        """Raises `NotAdoptable` where it, or a process below it, belongs to a run already: two would end it."""
        runs = [(process, run) for process, run in self._registry.runs() if run.present]
        members = await self._lifecycle.ender.members_of([run for _, run in runs])
        head = table.processes.get(pid)
        family = {process.pid for process in table.family([head.identity])} if head is not None else set()
        for process, run in runs:
            pids = {member.pid for member in members[run.run_id]}
            if pid in pids:
                raise NotAdoptable(
                    f"pid {pid} is a process of {full_name(process)} already", hint="there is nothing to do"
                )
            if pids & family:
                raise NotAdoptable(
                    f"{full_name(process)} (pid {min(pids & family)}) was started by pid {pid}, and is in the list",
                    hint=f"persistproc rm {process.name} takes it out of the list and leaves it running"
                    if run.adopted
                    else "adopt the server itself",
                )

    async def _adopt(self, found: Found, name: str | None, demand: Demand) -> Process:
        project = await anyio.to_thread.run_sync(project_root, found.directory)
        command = parse_command(found.argv)
        return await with_process(
            self._registry,
            lambda: self._process_for(project, command, found.directory, name),
            lambda process: self._adopt_locked(process, command, found, demand),
        )

    def _process_for(self, project: str, command: Command, directory: str, name: str | None) -> Process:
        process = self._registry.get(project, name) if name is not None else self._same(project, command, directory)
        if process is None:
            name = name or free_name(default_name(command), self._registry.names(project))
            process = Process(name, project, command, directory)
            self._registry.add(process)
        return process

    def _same(self, project: str, command: Command, directory: str) -> Process | None:
        """The process whose former run had this command: who is known to stand for it."""
        for process in self._registry.in_project(project):
            free = not process.live and process.planned is None and process.runs
            if free and process.command.argv == command.argv and process.working_directory == directory:
                return process
        return None

    async def _adopt_locked(self, process: Process, command: Command, found: Found, demand: Demand) -> None:
        self._supervisor.check_open()
        if process.current is not None:
            await check_free(process, process.current)
        await self._lifecycle.keeper.check()
        run = self._new_run(process, command, found, demand)
        await self._lifecycle.ender.members(run)
        # Its options were said of a run of ours: Ctrl-C in its own terminal would have it started again by us.
        before, process.options = process.options, Options()
        try:
            await begin(self._lifecycle, self._registry, process, run)
        except BaseException:
            process.options = before
            raise
        self._lifecycle.uses.begun(process)
        self._lifecycle.changed(process)

    def _new_run(self, process: Process, command: Command, found: Found, demand: Demand) -> Run:
        number = process.next_number()
        run_id = new_run_id(process.name, number)
        run = Run(
            run_id=run_id,
            number=number,
            directory=self._disk.folder(run_id),
            command=command,
            working_directory=found.directory,
            settings=Settings(umask=found.umask),
            started_at=found.started_at,
            started_by=demand.client,
            boot_id=boot_id(),
            start_reason=demand.reason,
            identity=found.identity,
            reason=f"{Cause('adopted', demand.client, demand.reason).sentence()}; {found.streams.words}",
            environment=found.environment,
            is_child=False,
            adopted=True,
            followed=found.streams.files,
        )
        run.advance(Event.SPAWNED)
        return run


def _first_of(pid: int, port: int) -> int:
    """The oldest of those that share a listening socket: a server and its workers are one. Blocks."""
    table = scan()
    own = table.processes[pid].uid if pid in table.processes else -1
    for parent in table.ancestors(pid):
        if parent <= 1 or table.processes[parent].uid != own:
            break
        if all(each["port"] != port for each in listeners([parent])):
            break
        pid = parent
    return pid
