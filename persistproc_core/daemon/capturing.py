"""Output of programs that persistproc did not start: ``some-server | persistproc capture --name web``.

The leader of such a run is the process that asks, the ``persistproc capture`` at the end of the pipe. It alone is ours
to signal: its process group and session belong to the shell of whoever typed the pipeline. It writes into the FIFO of
the run, which it holds open for reading and writing as a child would, so it outlives daemon and keeper. The run ends
when it ends.
"""

from __future__ import annotations

import os

import anyio
import anyio.to_thread

from ..errors import InvalidParams
from ..project_file.root import project_root
from ..protocol import CaptureProcessParams, ClientInfo
from .clock import now
from .foreign import begin, check_free, connect, with_process
from .kernel.identity import Identity, boot_id, identity_of
from .kernel.peer import Peer
from .lifecycle import Lifecycle
from .model import Cause, Process, Run, new_run_id
from .registry import Registry
from .settings import Settings
from .states import Event
from .store import Store
from .supervisor import Supervisor
from .words.command import check_name, parse_command

__all__ = ["Capturing"]

_HOME_DIRECTORY = os.path.expanduser("~")


class Capturing:
    """Makes runs whose output comes from elsewhere."""

    def __init__(self, registry: Registry, lifecycle: Lifecycle, supervisor: Supervisor, disk: Store) -> None:
        self._registry = registry
        self._lifecycle = lifecycle
        self._supervisor = supervisor
        self._disk = disk

    async def capture(self, params: CaptureProcessParams, peer: Peer, client: ClientInfo) -> Process:
        """A run whose leader is the peer; asked twice by the same process, the same run.

        Raises `NameTaken`, `StorageFailed`, `InvalidParams`.
        """
        name = check_name(params["name"])
        directory = params.get("working_directory") or _HOME_DIRECTORY
        if not os.path.isabs(directory):
            raise InvalidParams(f"working_directory must be an absolute path, not {directory!r}")
        directory, project = await anyio.to_thread.run_sync(_place, directory)
        leader = identity_of(peer.pid) if peer.pid is not None else None
        if leader is None:
            raise InvalidParams("the system does not tell which process asks", hint="capture on this machine itself")
        return await with_process(
            self._registry,
            lambda: self._process_for(project, name, directory),
            lambda process: self._capture_locked(process, leader, directory, client),
        )

    def _process_for(self, project: str, name: str, directory: str) -> Process:
        process = self._registry.get(project, name)
        if process is None:
            process = Process(name, project, parse_command(_argv(name)), directory)
            self._registry.add(process)
        return process

    async def _capture_locked(self, process: Process, leader: Identity, directory: str, client: ClientInfo) -> None:
        self._supervisor.check_open()
        old = process.current
        if old is not None and old.live and old.captured and old.identity == leader:
            await connect(self._lifecycle, old)  # the reply to the first request was lost
            return
        if old is not None:
            await check_free(process, old)
        await self._lifecycle.keeper.check()
        await begin(self._lifecycle, self._registry, process, self._new_run(process, leader, directory, client))

    def _new_run(self, process: Process, leader: Identity, directory: str, client: ClientInfo) -> Run:
        number = process.next_number()
        run_id = new_run_id(process.name, number)
        run = Run(
            run_id=run_id,
            number=number,
            directory=self._disk.folder(run_id),
            command=parse_command(_argv(process.name)),
            working_directory=directory,
            settings=Settings(),
            started_at=now(),
            started_by=client,
            boot_id=boot_id(),
            identity=leader,
            reason=Cause("captured", client).sentence(),
            captured=True,
            is_child=False,
        )
        run.advance(Event.SPAWNED)
        return run


def _argv(name: str) -> list[str]:
    return ["persistproc", "capture", "--name", name]


def _place(directory: str) -> tuple[str, str]:
    real = os.path.realpath(directory)
    return real, project_root(real)
