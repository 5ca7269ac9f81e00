"""Protected processes: what anybody but the owner does to one needs force, and a reason that is shown to everybody.

It keeps agents and people from ending each other's work by mistake. It is no access control: all of them are one user,
and a client tells its own name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, NamedTuple

import anyio

from ..errors import ProcessNotFound, ProcessProtected, StorageFailed
from ..protocol import ActParams, ClientInfo, ProtectProcessParams, StartProcessParams
from .clock import now
from .lifecycle import Lifecycle
from .model import Cause, Process, Protection
from .registry import full_name

__all__ = ["Demand", "Protecting", "check_unprotected", "is_anothers"]


class Demand(NamedTuple):
    """Who asks for something to be done to a process, why, and whether in spite of a protection."""

    client: ClientInfo
    reason: str | None = None
    force: bool = False

    @classmethod
    def of(cls, params: ActParams | StartProcessParams, client: ClientInfo) -> Demand:
        """As the parameters of a verb say."""
        return cls(client, params.get("reason", "").strip() or None, params.get("force", False))

    @property
    def is_forced(self) -> bool:
        """Whether it is to be done in spite of a protection."""
        return self.force and self.reason is not None

    def cause(self, verb: str) -> Cause:
        """What is kept of it: ``stopped`` by whom, and why."""
        return Cause(verb, self.client, self.reason)

    def protection(self) -> Protection:
        """The same, for a process that is protected from now on."""
        return Protection(self.client, self.reason, now())


def is_anothers(process: Process, client: ClientInfo) -> bool:
    """Whether somebody else protected the process; clients are told apart by their names."""
    return process.protection is not None and process.protection.by["name"] != client["name"]


def check_unprotected(process: Process, demand: Demand, *, ends: bool = False) -> None:
    """Raises `ProcessProtected` for what may not be done. ``ends``: it is done with the options of a stop."""
    held = process.protection
    if held is None or not is_anothers(process, demand.client) or demand.is_forced:
        return
    owner = held.by["name"]
    why = f": {held.reason}" if held.reason else ""
    if demand.force:
        hint = "force needs a reason here, which is shown to everybody: give one"
    else:
        hint = f"leave it to {owner}, or give force and a reason"
        hint += "; with grace_seconds it still ends softly" if ends else ""
    raise ProcessProtected(
        f"{full_name(process)} is protected by {owner} since {held.time}{why}; nothing was done",
        hint=hint,
        data={"protected_by": dict(held.by), "protected_at": held.time, "reason": held.reason},
    )


class Protecting:
    """Protects processes, or no longer."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle

    async def protect(self, process: Process, params: ProtectProcessParams, client: ClientInfo) -> None:
        """As asked. Raises `ProcessProtected`, and `StorageFailed`: nothing has changed then."""
        demand = Demand.of(params, client)
        wanted = params.get("protected", True)
        async with process.lock:
            if process.removed:
                raise ProcessNotFound(f"{full_name(process)} was removed meanwhile", hint="there is nothing to do")
            check_unprotected(process, demand)
            held = process.protection
            if wanted and (held is None or is_anothers(process, client) or demand.reason not in (None, held.reason)):
                await self._change(process, demand.protection(), demand)
            elif not wanted and held is not None:
                await self._change(process, None, demand)

    async def join(self, process: Process, demand: Demand) -> None:
        """Protect what was just joined; whoever protected it before stays the owner. Raises `StorageFailed`."""
        if process.protection is None:
            await self._change(process, demand.protection(), demand)

    @asynccontextmanager
    async def begin(self, process: Process, demand: Demand) -> AsyncIterator[None]:
        """Protect what is started in this block, when that succeeds; an owner that was not overruled stays it."""
        before = process.protection
        if before is not None and not (is_anothers(process, demand.client) and demand.is_forced):
            yield
            return
        process.protection = demand.protection()
        try:
            yield
        except BaseException:
            process.protection = before
            with anyio.CancelScope(shield=True):
                # The record of the run before may have been written meanwhile.
                for run in process.runs[-1:]:
                    await self._lifecycle.write(run)
            raise
        self._tell("protected", process, demand)

    async def _change(self, process: Process, protection: Protection | None, demand: Demand) -> None:
        run = process.runs[-1]
        before, process.protection = process.protection, protection
        try:
            await self._lifecycle.save(run)
        except OSError as error:
            process.protection = before
            raise StorageFailed(
                f"cannot write {run.directory}: {error.strerror}", hint="see persistproc doctor"
            ) from None
        self._tell("unprotected" if protection is None else "protected", process, demand)

    def _tell(self, kind: Literal["protected", "unprotected"], process: Process, demand: Demand) -> None:
        self._lifecycle.journal.tell(kind, process, process.runs[-1], cause=demand.cause(kind))
