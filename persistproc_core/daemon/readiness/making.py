"""What tells whether runs are ready, put together."""

from __future__ import annotations

from ..answers.output import Output
from ..lifecycle import Lifecycle
from ..log import Log
from ..registry import Registry
from ..tasks import Tasks
from ..waiting.prompts import Prompts
from .conditions import Conditions
from .liveness import Liveness
from .readying import Readying

__all__ = ["make_readying"]


def make_readying(
    tasks: Tasks, log: Log, lifecycle: Lifecycle, registry: Registry, output: Output, prompts: Prompts
) -> Readying:
    """With its conditions and the checks of liveness."""
    journal, write = lifecycle.journal, lifecycle.write
    conditions = Conditions(lifecycle.ender, output, lifecycle.ports.holders)
    liveness = Liveness(
        log,
        journal,
        lifecycle.ender,
        write=write,
        backoff=lambda: lifecycle.configuration.backoff,
    )
    return Readying(tasks, log, journal, registry, output, prompts, conditions, lifecycle.ports, liveness, write=write)
