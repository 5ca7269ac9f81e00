"""The verbs that act on a process without starting or ending a run: a signal, input, and forgetting it."""

from __future__ import annotations

import base64
import binascii
import os

import anyio
import anyio.to_thread

from ..errors import (
    InputNotRead,
    InvalidParams,
    NoTerminal,
    NotRunning,
    ProcessNotFound,
    StillRunning,
    StorageFailed,
)
from ..protocol import ActParams, ClientInfo, ResizeTerminalParams, SendProcessInputParams, SignalProcessParams
from ..signal_names import signal_number
from .adopting.consent import check_asked
from .adopting.letting_go import let_go
from .fifos import open_nameless
from .lifecycle import Lifecycle
from .model import Process, Run
from .protection import Demand, check_unprotected
from .registry import Registry, full_name

__all__ = ["Control"]


_LAUNCHED_SECONDS = 10.0


class Control:
    """Signals, writes to and removes processes."""

    def __init__(self, registry: Registry, lifecycle: Lifecycle) -> None:
        self._registry = registry
        self._lifecycle = lifecycle

    async def signal(self, process: Process, params: SignalProcessParams, client: ClientInfo) -> None:
        """Send one signal."""
        demand = Demand.of(params, client)
        check_unprotected(process, demand)
        run = _live_run(process)
        signum = signal_number(params["signal"])
        await check_asked(process, run, demand)
        to = params.get("to", "group")
        if await self._lifecycle.keeper.signal(run, signum, to):
            return
        members = [
            member for member in await self._lifecycle.ender.members(run) if to == "group" or member.pid == run.pid
        ]
        await self._lifecycle.ender.signal_members(run, signum, members, of_session=False)

    async def resize(self, process: Process, params: ResizeTerminalParams) -> None:
        """Tell the live run the size of its terminal; its next run begins with it."""
        run = _live_run(process)
        rows, columns = params["rows"], params["columns"]
        if not run.settings.tty:
            raise NoTerminal(f"{full_name(process)} has no terminal", hint="start it with tty: true, or --tty")
        if not await self._lifecycle.keeper.resize(run, rows, columns):
            raise NoTerminal(f"the terminal of {full_name(process)} is gone", hint="restart it")
        if (run.settings.rows, run.settings.columns) != (rows, columns):
            run.settings = run.settings._replace(rows=rows, columns=columns)
            await self._lifecycle.write(run)

    async def send_input(self, process: Process, params: SendProcessInputParams, client: ClientInfo) -> tuple[Run, int]:
        """Write to the standard input of the live run."""
        check_unprotected(process, Demand.of(params, client))
        run = _live_run(process)
        if run.foreign:
            raise InvalidParams(f"{full_name(process)} was not started by persistproc: its input is its user's")
        data = _input(params, run.settings.tty)
        with anyio.move_on_after(_LAUNCHED_SECONDS):
            await run.launched.wait()  # before that nobody reads it
        await anyio.to_thread.run_sync(_write_input, run, data, self._lifecycle.keeper.pid)
        return run, len(data)

    async def remove(self, process: Process, params: ActParams, client: ClientInfo) -> int:
        """Forget an ended process, or an adopted one, which lives on; how many runs were deleted."""
        demand = Demand.of(params, client)
        async with process.lock:
            if process.removed:
                raise ProcessNotFound(f"{full_name(process)} was removed meanwhile", hint="there is nothing to do")
            check_unprotected(process, demand)
            run = process.current
            if run is not None and run.adopted and run.present:
                await let_go(self._lifecycle, run)
            if run is not None:
                await run.settled()  # who waited for its end need not see that
            if run is not None and run.present:
                raise StillRunning(
                    f"{full_name(process)} is {run.state}"
                    if run.live
                    else f"{full_name(process)} left processes behind",
                    hint="stop it first",
                )
            if process.planned is not None:
                raise StillRunning(
                    f"{full_name(process)} is restarting: {process.planned.words(anyio.current_time())}",
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
            self._lifecycle.watching.changed(process)
            if run is not None:
                self._lifecycle.journal.tell("removed", process, run, cause=demand.cause("removed"))
            return removed


def _input(params: SendProcessInputParams, tty: bool) -> bytes:
    if ("input" in params) == ("base64" in params):
        raise InvalidParams("give either input or base64", hint="input is text, base64 is bytes")
    if "input" in params:
        # What the Enter key sends. A terminal makes a newline of it, but a program that reads key by key (a menu, an
        # editor) would take a newline for Ctrl-J.
        enter = "\r" if tty else "\n"
        text = params["input"] + (enter if params.get("newline", True) else "")
        return text.encode("utf-8", "surrogateescape")
    if params.get("newline", False):
        raise InvalidParams("newline cannot be given with base64", hint="put the newline into the bytes")
    try:
        return base64.b64decode(params["base64"], validate=True)
    except (binascii.Error, ValueError):
        raise InvalidParams("base64 is not valid base64", hint="RFC 4648, with padding") from None


def _live_run(process: Process) -> Run:
    run = process.current
    if run is None or not run.live:
        state = run.state if run is not None else "not started"
        hint = "start it again where it ran" if run is not None and run.captured else "restart it"
        raise NotRunning(f"{full_name(process)} is not running ({state})", hint=hint)
    return run


def _write_input(run: Run, data: bytes, keeper: int | None) -> None:
    try:
        fd: int | None = os.open(os.path.join(run.directory, "stdin"), os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        # Nobody has it open, or somebody deleted its name. Where there is a terminal, the keeper is its reader.
        reader = keeper if run.settings.tty else run.pid
        fd = open_nameless(run.run_id, "stdin", reader, os.O_WRONLY) if reader is not None else None
    if fd is None:
        raise NotRunning("nobody reads the input of this run any more", hint="restart it")
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
