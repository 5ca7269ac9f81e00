"""Being ready as one of the conditions that a client can wait for."""

from __future__ import annotations

import math

import anyio

from ...protocol import Readiness
from ..model import Process, Run
from ..waiting.conditions.condition import Looked, Met
from .lookout import Lookout
from .readying import Readying

__all__ = ["Ready"]


class Ready:
    """It is ready: as it was started to be, else by the first sign. One that did its work and ended well counts."""

    def __init__(self, process: Process, run: Run, readying: Readying) -> None:
        self._process = process
        self._run = run
        self._readying = readying
        self._lookout: Lookout | None = None

    async def met(self, looked: Looked) -> Met | None:
        with self._readying.waiting(self._process, self._run, math.inf) as self._lookout:
            if self._lookout is not None:
                await _done(self._lookout, looked)
            found = await self.answer()
            return Met("ready", line=found["line"]) if found["outcome"] in ("ready", "exited") else None

    async def answer(self) -> Readiness:
        """What is known now."""
        return await self._readying.answer(self._process, self._run, self._lookout)

    async def obstacle(self) -> str:
        return "" if self._lookout is None else await self._lookout.obstacles()


async def _done(lookout: Lookout, looked: Looked) -> None:
    async with anyio.create_task_group() as group:

        async def tell() -> None:
            await lookout.looked()
            looked()

        group.start_soon(tell)
        await lookout.done.wait()
        group.cancel_scope.cancel()
