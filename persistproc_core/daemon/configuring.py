"""What persistproc does with a process by itself, as asked for at a start or changed later."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from ..durations import duration_text
from ..errors import InvalidParams, ProcessNotFound, StorageFailed
from ..protocol import ClientInfo, ConfigureProcessParams, Difference, StartProcessParams
from .lifecycle import Lifecycle
from .model import Cause, Process
from .protection import Demand, check_unprotected
from .registry import full_name
from .settings import Options
from .usage.leases import check_ttl

__all__ = ["Configuring", "differences", "merged"]


def merged(options: Options, params: StartProcessParams | ConfigureProcessParams) -> Options:
    """With what is asked for; what is not keeps what it was. A duration of 0 is none."""
    return Options(
        params.get("restart", options.restart),
        params.get("autostart", options.autostart),
        params.get("ttl_seconds", options.ttl_seconds) or None,
        params.get("idle_timeout_seconds", options.idle_timeout_seconds) or None,
    )


def differences(running: Options, params: StartProcessParams | ConfigureProcessParams) -> list[Difference]:
    """What is asked for but is otherwise."""
    asked = merged(running, params)
    found: list[Difference] = []
    if asked.restart != running.restart:
        found.append({"what": "restart", "asked": asked.restart, "running": running.restart})
    if asked.autostart != running.autostart:
        found.append({"what": "autostart", "asked": _yes(asked.autostart), "running": _yes(running.autostart)})
    if asked.ttl_seconds != running.ttl_seconds:
        there = _lasting(running.ttl_seconds)
        found.append({"what": "ttl_seconds", "asked": _lasting(asked.ttl_seconds), "running": there})
    if asked.idle_timeout_seconds != running.idle_timeout_seconds:
        there = _lasting(running.idle_timeout_seconds)
        found.append({"what": "idle_timeout_seconds", "asked": _lasting(asked.idle_timeout_seconds), "running": there})
    return found


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def _lasting(seconds: float | None) -> str:
    return "never" if seconds is None else duration_text(seconds)


def _words(found: list[Difference]) -> str:
    """``restart on-failure (was never), ttl 2h (was never)``."""
    return ", ".join(
        f"{each['what'].removesuffix('_seconds').replace('_', ' ')} {each['asked']} (was {each['running']})"
        for each in found
    )


class Configuring:
    """Changes the options of processes."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle

    async def configure(self, process: Process, params: ConfigureProcessParams, client: ClientInfo) -> None:
        """As asked, also for one that has ended: it counts from its next run on.

        Raises `InvalidParams`, `ProcessProtected`, and `StorageFailed`: nothing has changed then.
        """
        if not {"restart", "autostart", "ttl_seconds", "idle_timeout_seconds"} & params.keys():
            raise InvalidParams(
                "there is nothing to change",
                hint="give restart, autostart, ttl_seconds or idle_timeout_seconds",
            )
        demand = Demand.of(params, client)
        async with process.lock:
            if process.removed or not process.runs:
                raise ProcessNotFound(f"{full_name(process)} was removed meanwhile", hint="there is nothing to do")
            check_unprotected(process, demand)
            _check_captured(process, params)
            check_ttl(process.current, params.get("ttl_seconds", 0.0), full_name(process))
            found = differences(process.options, params)
            if found:
                words = _words(found) + (f": {demand.reason}" if demand.reason else "")
                await self._change(process, merged(process.options, params), Cause("configured", client, words))
            if "idle_timeout_seconds" in params:
                self._lifecycle.uses.begun(process)  # its time counts from now on
            self._lifecycle.expiry.changed(process)

    async def _change(self, process: Process, options: Options, cause: Cause) -> None:
        run = process.runs[-1]
        before, process.options = process.options, options
        try:
            await self._lifecycle.save(run, durable=True)
        except OSError as error:
            self._go_back(process, before)
            raise StorageFailed(
                f"cannot write {run.directory}: {error.strerror}", hint="see persistproc doctor"
            ) from None
        self._lifecycle.journal.tell("configured", process, run, cause=cause)
        await self._lifecycle.restarting.configured(process, cause)

    @asynccontextmanager
    async def begin(self, process: Process, params: StartProcessParams) -> AsyncIterator[None]:
        """Have the options of what is started in this block, when that succeeds; else those of before."""
        before = process.options
        # Its limits are those of a run that somebody asked for: what is started without them has none.
        process.options = merged(before._replace(ttl_seconds=None, idle_timeout_seconds=None), params)
        try:
            yield
        except BaseException:
            if process.options != before:
                self._go_back(process, before)
                with anyio.CancelScope(shield=True):
                    # The record of the run before may have been written meanwhile.
                    for run in process.runs[-1:]:
                        await self._lifecycle.write(run)
            raise

    def _go_back(self, process: Process, options: Options) -> None:
        process.options = options
        # A timer that came meanwhile has found no limit, or another one, and does not come again by itself.
        self._lifecycle.expiry.changed(process)


def _check_captured(process: Process, params: ConfigureProcessParams) -> None:
    if process.runs[-1].captured and (params.get("restart", "never") != "never" or params.get("autostart", False)):
        raise InvalidParams(
            f"{full_name(process)} was not started by persistproc, so it cannot start it again",
            hint=f"start its program through persistproc: persistproc run --name {process.name} -- COMMAND",
        )
