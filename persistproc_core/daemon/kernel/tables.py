"""Looks at the process table, shared: a thousand callers that ask at once cost two looks, not a thousand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from .process_table import ProcessTable, scan

__all__ = ["Tables"]

Answer = TypeVar("Answer")


class Tables:
    """Answers from process tables that are younger than the question."""

    def __init__(self, never: Callable[[], list[int]]) -> None:
        """``never()`` tells the pids that belong to no run whatever they look like (the keeper's)."""
        self._never = never
        self._lock = anyio.Lock()
        self._begun = 0
        self._table: ProcessTable | None = None
        self._number = 0

    async def ask(self, question: Callable[[ProcessTable], Answer]) -> Answer:
        """What ``question(table)`` answers, in a worker thread, of a look that began after this call."""
        asked = self._begun
        async with self._lock:
            table = self._table
            if table is None or self._number <= asked:
                self._begun += 1
                number, never = self._begun, self._never()
                # In one go: to and from a thread takes as long as a third of the look.
                self._table, answer = await anyio.to_thread.run_sync(_look, never, question)
                self._number = number
                return answer
        return await anyio.to_thread.run_sync(question, table)


def _look(never: list[int], question: Callable[[ProcessTable], Answer]) -> tuple[ProcessTable, Answer]:
    table = scan(never=never)
    return table, question(table)
