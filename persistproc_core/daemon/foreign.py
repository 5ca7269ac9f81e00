"""Runs whose leader persistproc did not start: the FIFOs, the notes and the record that a keeper would have made."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread

from ..errors import NameTaken, StorageFailed
from .keeper_link import KeeperRefused
from .lifecycle import Lifecycle
from .model import Process, Run
from .rebuild import ADOPTED_NOTE, CAPTURED_NOTE
from .registry import Registry, full_name

__all__ = ["begin", "check_free", "connect", "with_process"]


async def with_process(
    registry: Registry, find: Callable[[], Process], work: Callable[[Process], Awaitable[None]]
) -> Process:
    """Do something with a process whose lock is held; one that has no run after that is in no list.

    ``find`` gives the one that is known, or makes one; it is asked again where that was removed meanwhile.
    """
    while True:
        process = find()
        async with process.lock:
            if not process.removed:
                try:
                    await work(process)
                    return process
                finally:
                    if not process.runs:
                        registry.discard(process)


async def begin(lifecycle: Lifecycle, registry: Registry, process: Process, run: Run) -> None:
    """Have such a run in the list, with its leader watched; the process's lock is held.

    Raises `StorageFailed` and `KeeperUnavailable`; nothing is left then.
    """
    await lifecycle.prepare(process, run)
    registry.add_run(process, run)
    try:
        await connect(lifecycle, run)
    except BaseException:
        with anyio.CancelScope(shield=True):
            lifecycle.forget(process, run)
            await lifecycle.discard(run)
        raise
    process.command, process.working_directory = run.command, run.working_directory
    run.launched.set()
    lifecycle.journal.began(process, run, reason=run.reason)
    await lifecycle.orphans.find(run)
    lifecycle.prune(process)


async def connect(lifecycle: Lifecycle, run: Run) -> None:
    """Make the FIFOs, and have the keeper drain them. Raises `StorageFailed`."""
    try:
        await anyio.to_thread.run_sync(_make_files, run)
        await lifecycle.orphans.adopt(run)
    except OSError as error:
        raise StorageFailed(f"cannot write {run.directory}: {error.strerror}", hint="see persistproc doctor") from None
    except KeeperRefused as refusal:
        raise StorageFailed(
            f"the keeper cannot read {run.directory}: {os.strerror(refusal.errno)}", hint="see persistproc doctor"
        ) from None


async def check_free(process: Process, old: Run) -> None:
    """Raises `NameTaken` while anything of the run before is alive: nothing of it is ended for such a run."""
    await old.settled()
    if old.present or process.planned is not None:
        state = f"is {old.state}" if old.live else "left processes behind"
        state = state if process.planned is None else "is restarting"
        raise NameTaken(
            f"{full_name(process)} {state}: {old.command.text}",
            hint="stop it, or choose another name",
            data={"name": process.name, "running": old.command.text, "pid": old.pid},
        )


def _make_files(run: Run) -> None:
    """What a keeper makes for a child. Blocks. Raises `OSError`."""
    assert run.identity is not None
    # For the case that the record is lost: whose run it is, and that its group and session are not ours.
    note = CAPTURED_NOTE if run.captured else ADOPTED_NOTE
    notes = {note: "", "spawned": f"{run.identity.pid} {run.identity.start}\n"}
    for name, content in notes.items():
        fd = os.open(os.path.join(run.directory, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:
            file.write(content.encode("ascii"))
    for name in ("stdin", "stdout", "stderr"):
        try:
            os.mkfifo(os.path.join(run.directory, name), 0o600)
        except FileExistsError:
            pass
