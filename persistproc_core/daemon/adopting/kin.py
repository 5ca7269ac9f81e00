"""Which processes belong to an adopted run: its leader, and all that descend from it.

Its group and session are its user's, and no marker is in its environment. So a process whose parent has ended belongs
to the run only when it was seen before: what was seen is remembered, and is in the record when the leader is ended or
has ended.
"""

from __future__ import annotations

from ..kernel.process_table import Process, ProcessTable
from ..model import Run

__all__ = ["members"]


def members(table: ProcessTable, run: Run) -> list[Process]:
    """The live processes of the run, by pid; from now on they are known."""
    if run.identity is None:
        return []
    found = table.family((run.identity, *run.kin))
    run.kin = frozenset(process.identity for process in found)
    return found
