"""The environment that a run was asked to have, as far as anybody knows it."""

from __future__ import annotations

import anyio.to_thread

from . import environment as environments
from .adopting.found import environment_now
from .kernel.process_table import MARKER, environment_of
from .model import Run

__all__ = ["known_environment"]


async def known_environment(run: Run) -> dict[str, str] | None:
    """What the run was asked to have; from the kernel when this daemon did not start it, and kept with
    the run. None: nobody knows."""
    if run.environment is not None or not run.live or run.identity is None:
        return run.environment
    if run.adopted:
        run.environment = await anyio.to_thread.run_sync(environment_now, run.identity)
    else:
        full = await anyio.to_thread.run_sync(environment_of, run.identity.pid)
        # Empty in the middle of an exec, and a program that sets its title writes over it: no marker, no truth.
        if full is not None and full.get(MARKER) == run.run_id and run.live:
            run.environment = environments.without_added(full, run.added_variables)
    return run.environment
