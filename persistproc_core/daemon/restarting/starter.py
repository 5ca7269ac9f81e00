"""Who starts processes again, and on whose behalf."""

from __future__ import annotations

from typing import Final, Protocol

from ...protocol import ClientInfo
from ..model import Cause, Process, Run

__all__ = ["PERSISTPROC", "Starter"]

PERSISTPROC: Final[ClientInfo] = {"name": "persistproc"}
"""Who does what nobody asked for in person."""


class Starter(Protocol):
    """Starts ended processes again."""

    async def again(self, process: Process, old: Run, cause: Cause, restarts: int) -> object:
        """A new run with all that the old one had, after what that left behind is gone; the lock is held."""
