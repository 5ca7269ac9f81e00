"""What all conditions have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

__all__ = ["Condition", "Looked", "Met", "unheeded"]

Looked = Callable[[], None]


def unheeded() -> None:
    """Nobody waits for the first look."""


class Met(NamedTuple):
    """The condition that became true, and what was seen."""

    what: Literal["exit", "state", "output", "port", "url", "idle", "ready"]
    line: str | None = None
    status_code: int | None = None
    port: int | None = None


class Condition(Protocol):
    """One thing to wait for, of one run."""

    async def met(self, looked: Looked) -> Met | None:
        """Wait until it is true; None: it can no longer become true. Calls ``looked`` when it is not true yet.

        Raises `PersistprocError` for what the client gave and cannot be looked for.
        """

    async def obstacle(self) -> str:
        """Why it is not true, when more can be told than that; else an empty text. Asked when the time is up."""
