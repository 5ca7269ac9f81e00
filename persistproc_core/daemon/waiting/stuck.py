"""Waiting until a run asks for input for certain: it does not go on by itself, and nobody may know that it asks."""

from __future__ import annotations

import anyio

from ..model import Process, Run
from .prompts import Prompts

__all__ = ["how_to_answer", "until_stuck"]

_STUCK_SECONDS = 1.0


async def until_stuck(prompts: Prompts, process: Process, run: Run) -> str | None:
    """What it asks, once it has asked for a second; None when it has ended."""
    found: list[str] = []
    with anyio.CancelScope() as scope:

        def told(text: str | None, since: float) -> None:
            if text is not None and anyio.current_time() - since >= _STUCK_SECONDS:
                found.append(text)
                scope.cancel()

        await prompts.watch(process, run, told)
    return found[0] if found else None


def how_to_answer(process: Process) -> str:
    """What can be done about it."""
    return f"answer it: persistproc send {process.name} TEXT"
