"""Live runs that are told by nothing but themselves: each process has its run's id in its environment.

Their record is gone or unreadable, or says something that cannot be; the home may have been deleted as a whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from typing import NamedTuple

from .fifos import home_of
from .kernel.identity import Identity
from .kernel.process_table import Process, ProcessTable, scan

__all__ = ["Marked", "find_marked"]

# As `model.new_run_id` makes them; anything else in that variable is not ours, and no name for a folder.
_RUN_ID = re.compile(r"[A-Za-z0-9_-]{0,40}\.[0-9]{1,9}\.[0-9a-f]{8}")


class Marked(NamedTuple):
    """What lives of a run."""

    leader: Identity | None
    """None when it has ended and others go on."""
    pids: tuple[int, ...]
    """All, the oldest first."""


def find_marked(runs_directory: str, never: Collection[int] = ()) -> dict[str, Marked]:
    """What lives of the runs of this home, by run id. ``never``: as in `scan`. Blocks for some milliseconds.

    That a run is of this home is told by the names that its FIFOs have or had, and, for one that has a terminal
    instead, by its folder being here.
    """
    table = scan(never=never)
    runs_directory = os.path.realpath(runs_directory)
    found: dict[str, Marked] = {}
    for run_id, pids in table.markers.items():
        if _RUN_ID.fullmatch(run_id) and _is_here(run_id, pids, runs_directory):
            found[run_id] = _marked(table, pids)
    return found


def _is_here(run_id: str, pids: list[int], runs_directory: str) -> bool:
    told = home_of(run_id, pids)
    return told == runs_directory if told else os.path.isdir(os.path.join(runs_directory, run_id))


def _marked(table: ProcessTable, pids: list[int]) -> Marked:
    processes = sorted((table.processes[pid] for pid in pids), key=lambda process: process.start)
    leader = next((process.identity for process in processes if _leads(process)), None)
    return Marked(leader, tuple(process.pid for process in processes))


def _leads(process: Process) -> bool:
    # The keeper makes each leader the first of its session (setsid(2)); what left the session is never the oldest.
    return process.pid == process.sid
