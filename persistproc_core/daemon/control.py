"""The verbs that act on a process without starting or ending a run: a signal, input, and forgetting it."""

from __future__ import annotations

import os

import anyio
import anyio.to_thread

from ..errors import InputNotRead, NotRunning, ProcessNotFound, StillRunning, StorageFailed
from ..protocol import ActParams, SendProcessInputParams, SignalProcessParams
from .lifecycle import Lifecycle
from .model import Process, Run
from .registry import Registry, full_name
from .requests import signal_number

__all__ = ["Control"]

_SETTLED_SECONDS = 1.0


class Control:
    """Signals, writes to and removes processes."""

    def __init__(self, registry: Registry, lifecycle: Lifecycle) -> None:
        self._registry = registry
        self._lifecycle = lifecycle

    async def signal(self, process: Process, params: SignalProcessParams) -> None:
        """Send one signal."""
        run = _live_run(process)
        signum = signal_number(params["signal"])
        to = params.get("to", "group")
        if await self._lifecycle.keeper.signal(run, signum, to):
            return
        members = [
            member for member in await self._lifecycle.ender.members(run) if to == "group" or member.pid == run.pid
        ]
        await self._lifecycle.ender.signal_members(run, signum, members, of_session=False)

    async def send_input(self, process: Process, params: SendProcessInputParams) -> tuple[Run, int]:
        """Write to the standard input of the live run."""
        run = _live_run(process)
        text = params["input"] + ("\n" if params.get("newline", True) else "")
        data = text.encode("utf-8", "surrogateescape")
        await anyio.to_thread.run_sync(_write_input, run, data)
        return run, len(data)

    async def remove(self, process: Process, params: ActParams) -> int:
        """Forget an ended process; how many runs were deleted."""
        async with process.lock:
            if process.removed:
                raise ProcessNotFound(f"{full_name(process)} was removed meanwhile", hint="there is nothing to do")
            run = process.current
            if run is not None and not run.live:
                # The look for what an ended run left behind takes some ms; who waited for its end need not see them.
                with anyio.move_on_after(_SETTLED_SECONDS):
                    await run.gone.wait()
            if run is not None and run.present:
                raise StillRunning(
                    f"{full_name(process)} is {run.state}"
                    if run.live
                    else f"{full_name(process)} left processes behind",
                    hint="stop it first",
                )
            removed = 0
            for old in list(process.runs):
                try:
                    await self._lifecycle.delete(old)
                except FileNotFoundError:
                    pass
                except OSError as error:
                    raise StorageFailed(
                        f"cannot delete {old.directory}: {error.strerror}",
                        hint=f"{removed} older runs were removed; see persistproc doctor",
                    ) from None
                self._registry.discard_run(process, old)
                removed += 1
            self._registry.discard(process)
            return removed


def _live_run(process: Process) -> Run:
    run = process.current
    if run is None or not run.live:
        state = run.state if run is not None else "not started"
        raise NotRunning(f"{full_name(process)} is {state}", hint="restart it")
    return run


def _write_input(run: Run, data: bytes) -> None:
    try:
        fd = os.open(os.path.join(run.directory, "stdin"), os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        raise NotRunning("nobody reads the input of this run any more", hint="restart it") from None
    try:
        written = os.write(fd, data)
    except BlockingIOError:
        written = 0
    finally:
        os.close(fd)
    if written < len(data):
        raise InputNotRead(
            f"the process does not read its input: {written} of {len(data)} bytes fit",
            hint="send the rest when it reads again",
            data={"written": written},
        )
