"""Looks at the process table, shared: a thousand callers that ask at once cost two looks, not a thousand."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import anyio.to_thread

from .process_table import ProcessTable, scan

__all__ = ["Tables"]


class Tables:
    """Hands out process tables that are younger than the question."""

    def __init__(self, never: Callable[[], list[int]]) -> None:
        """``never()`` tells the pids that belong to no run whatever they look like (the keeper's)."""
        self._never = never
        self._lock = anyio.Lock()
        self._begun = 0
        self._table: ProcessTable | None = None
        self._number = 0

    async def fresh(self) -> ProcessTable:
        """A look that began after this call."""
        asked = self._begun
        async with self._lock:
            if self._table is None or self._number <= asked:
                self._begun += 1
                number = self._begun
                never = self._never()
                self._table = await anyio.to_thread.run_sync(lambda: scan(never=never))
                self._number = number
            return self._table
