"""What changes something goes on to its end when its caller hangs up: half a stop would be worse than either whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from anyio.abc import TaskGroup

from ..errors import ShuttingDown
from .handover.gate import Gate

__all__ = ["Deeds"]

_Result = TypeVar("_Result")


class Deeds:
    """Runs them in the daemon's own task group."""

    def __init__(self, group: TaskGroup, gate: Gate) -> None:
        self._group = group
        self._gate = gate

    async def run(self, name: str, work: Callable[[], Awaitable[_Result]], *, awaited: bool = True) -> _Result:
        """What ``work()`` gives or raises; who is cancelled meanwhile leaves it to itself.

        ``awaited``: a replacement of the daemon waits for it. Raises `ShuttingDown` while one is under way.
        """
        self._gate.check()
        done = anyio.Event()
        outcome: list[_Result] = []
        failure: list[Exception] = []

        async def carry_out() -> None:
            try:
                outcome.append(await work())
            except Exception as error:
                failure.append(error)
            finally:
                if awaited:
                    self._gate.leave(name)
                done.set()

        if awaited:
            # Here and not in the task: between the two a replacement would pass it over.
            self._gate.enter(name)
        self._group.start_soon(carry_out)
        await done.wait()
        if failure:
            raise failure[0]
        if not outcome:
            raise ShuttingDown("the daemon is about to end", hint="try again in a moment")
        return outcome[0]
