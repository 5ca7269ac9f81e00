"""Adoptions that end without the process: somebody takes it out of the list, or the daemon ends."""

from __future__ import annotations

import anyio

from ..clock import now
from ..lifecycle import Lifecycle
from ..model import Run
from ..registry import Registry

__all__ = ["leave_adopted", "let_go"]

_LEAVING_SECONDS = 2.0


async def leave_adopted(lifecycle: Lifecycle, registry: Registry) -> None:
    """The daemon is about to end: a keeper has no child in them, and would stay for nothing.

    The next daemon finds them by their records, and what they write meanwhile in their files.
    """
    with anyio.move_on_after(_LEAVING_SECONDS):  # a keeper that is stopped does not answer
        for _, run in registry.runs():
            if run.adopted and run.present:
                await lifecycle.copying.end(run)
                await lifecycle.orphans.drain(run)
                await lifecycle.keeper.release(run.run_id)


async def let_go(lifecycle: Lifecycle, run: Run) -> None:
    """Have nothing more to do with an adopted run; its processes live on."""
    await lifecycle.copying.end(run)
    await lifecycle.keeper.release(run.run_id)
    if run.live:
        run.finish(None, now(), "it was taken out of the list, and runs on")
    if run.handle is not None:
        run.handle.close()
        run.handle = None
    run.survivors = ()
    run.gone.set()
    run.grew()
