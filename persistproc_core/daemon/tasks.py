"""Background tasks that cannot end the daemon: a defect in one is logged, and the others go on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from anyio.abc import TaskGroup
from typing_extensions import TypeVarTuple, Unpack

from .log import Log

__all__ = ["Tasks"]

_Args = TypeVarTuple("_Args")


class Tasks:
    """Starts tasks in a group that it does not own."""

    def __init__(self, group: TaskGroup, log: Log) -> None:
        self._group = group
        self._log = log

    def start(self, work: Callable[[Unpack[_Args]], Awaitable[None]], *args: Unpack[_Args]) -> None:
        """Run ``work(*args)`` in the background."""
        self._group.start_soon(self.guard, work, *args)

    async def guard(self, work: Callable[[Unpack[_Args]], Awaitable[None]], *args: Unpack[_Args]) -> None:
        """Run ``work(*args)`` here; what it raises goes to the log."""
        try:
            await work(*args)
        except Exception as error:
            self._log.exception("task.failed", error, task=getattr(work, "__qualname__", repr(work)))
