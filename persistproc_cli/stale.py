"""What looks left behind, and why, as a table."""

from __future__ import annotations

import sys

from .oneline import one_line
from .render import age, make_room, memory, ports, table
from .terminal import is_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from persistproc_core.protocol import ProcessInfo

__all__ = ["stale_table"]

_DROPPED = ("MEMORY", "COMMAND", "AGE", "PORTS", "PID")
_LEAST_FOR_REASON = 50


def stale_table(processes: Sequence[ProcessInfo], *, all_projects: bool) -> str:
    """On a terminal cut to its width, and what matters less than the reason is left out first."""
    titles = ["NAME", *(["PROJECT"] if all_projects else []), "PID", "PORTS", "AGE", "MEMORY", "COMMAND", "WHY"]
    rows = []
    for info in processes:
        row = [one_line(info["name"]), *([one_line(info["project"])] if all_projects else [])]
        row += [str(info["pid"] or "-"), ports(info) or "-", age(info), memory(info["memory_bytes"])]
        rows.append([*row, one_line(info["command"]), one_line(info["stale"] or "")])
    if is_terminal(sys.stdout):
        make_room(titles, rows, _DROPPED, _LEAST_FOR_REASON)
    return table(titles, rows)
