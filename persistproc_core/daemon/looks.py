"""One look for all who ask at the same moment: fifty clients that list what runs cost as much as two."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

import anyio

__all__ = ["Looks"]

Wanted = TypeVar("Wanted")
Found = TypeVar("Found")


class _Round(Generic[Wanted, Found]):
    def __init__(self) -> None:
        self.wanted: dict[str, Wanted] = {}
        self.found: Found | None = None


class Looks(Generic[Wanted, Found]):
    """Asks for all that is wanted, at one go for those who came while the look before was under way."""

    def __init__(self, look: Callable[[Mapping[str, Wanted]], Awaitable[Found]]) -> None:
        """``look(wanted)``: what is found of all of these."""
        self._look = look
        self._lock = anyio.Lock()
        self._next: _Round[Wanted, Found] = _Round()

    async def at(self, wanted: Mapping[str, Wanted]) -> Found:
        """What is found, of these and perhaps of others, by a look that began after this call.

        Raises what the look raises.
        """
        mine = self._next
        mine.wanted.update(wanted)
        async with self._lock:
            # Each of a round comes by: when the first one is cancelled in the middle, the second looks.
            if mine.found is None:
                if mine is self._next:
                    self._next = _Round()
                mine.found = await self._look(mine.wanted)
            return mine.found
