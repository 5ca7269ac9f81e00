"""Starts and restarts that answer once it is known what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ...errors import ShuttingDown
from ..dispatch import Handler
from ..facts import Facts
from ..handover.gate import Gate
from ..kernel.peer import Peer
from ..registry import Registry
from .readying import Readying

__all__ = ["Awaiting"]


class Awaiting:
    """Adds the wait to what begins a run."""

    def __init__(self, registry: Registry, readying: Readying, facts: Facts, gate: Gate) -> None:
        self._registry = registry
        self._readying = readying
        self._facts = facts
        self._gate = gate

    def after(self, begin: Handler) -> Handler:
        """``begin``, whose reply is a process, and then the wait where ``wait`` asks for it.

        The wait is not part of what is done: it ends when its caller hangs up or the daemon is replaced. In the latter
        case ``readiness`` is null, and who still wants to know asks for it with wait_for_process.
        """

        async def handle(params: Any, peer: Peer) -> object:
            reply = cast("Mapping[str, object]", await begin(params, peer))
            found = self._registry.run(str(reply["run_id"])) if params.get("wait", False) else None
            if found is None:
                return reply
            process, run = found
            seconds = params.get("timeout_seconds")
            try:
                readiness = await self._gate.question(lambda: self._readying.wait(process, run, seconds))
            except ShuttingDown:
                return reply
            return {**reply, **await self._facts.measured_run(process, run), "readiness": readiness}

        return handle
