"""Do the keeper and its holder live?"""

from __future__ import annotations

import os

from ..locks import holder
from .finding import Kind, ok

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .finding import Finding
    from .look import Look
    from .processes import Seen

__all__ = ["KINDS", "keeper", "not_upgraded", "twins"]

_TAIL_BYTES = 64 * 1024

STOPPED = Kind(
    "keeper",
    "keeper-stopped",
    "problem",
    "The keeper was stopped (SIGSTOP, a debugger). A process that prints much waits for it, and nothing can be "
    "started.",
    "run: `kill -CONT PID`",
)
ABSENT = Kind(
    "keeper",
    "keeper-absent",
    "problem",
    "A daemon runs, and has no keeper: starting one fails again and again. A process that prints much waits.",
    "see: `persistproc daemon logs`",
)
OLDER = Kind(
    "keeper",
    "keeper-older",
    "warning",
    "The keeper is of an older version than the daemon, and could not be upgraded in place. What is there goes on.",
    "see: `persistproc daemon logs`; it is replaced when no process runs",
)
HOLDER_STOPPED = Kind(
    "holder",
    "holder-stopped",
    "warning",
    "The keeper's twin, which keeps the FIFOs open, was stopped.",
    "run: `kill -CONT PID`",
)
HOLDER_ABSENT = Kind(
    "holder",
    "holder-absent",
    "warning",
    "The keeper has no twin that would keep the FIFOs open if it were killed: what is in them would be lost with it.",
    "restart a process, any: the keeper makes a new one",
)
KINDS = (STOPPED, ABSENT, OLDER, HOLDER_STOPPED, HOLDER_ABSENT)


def keeper(look: Look) -> Iterator[Finding]:
    """The keeper and its twin."""
    told = look.status["keeper_pid"] if look.status is not None else None
    pid = told or holder(os.path.join(look.home.keeper, "lock"))
    if not pid:
        if look.status is not None:
            yield ABSENT.found("a daemon runs, and has no keeper")
        else:
            yield ok("keeper", "not running" if pid == 0 else "cannot be told without a daemon")
        return
    there = look.process(pid)
    if there is not None and there.is_stopped:
        yield STOPPED.found(f"pid {pid} is stopped", f"run: kill -CONT {pid}")
    else:
        yield _of_this_version(look.home.log, pid)
    if there is not None:
        yield _holder(look, there)


def _of_this_version(log: str, pid: int) -> Finding:
    why = not_upgraded(log, pid)
    return OLDER.found(f"pid {pid} could not be upgraded: {why}") if why else ok("keeper", f"pid {pid}")


def not_upgraded(log: str, pid: int) -> str:
    """Why the keeper of that pid could not become a newer program, by the daemon's log; empty when all is well."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        if f" keeper.upgraded pid={pid} " in line:
            return ""
        _, failed, why = line.partition(f" keeper.not_upgraded pid={pid} error=")
        if failed:
            return why.strip('"')
    return ""


def _holder(look: Look, keeper: Seen) -> Finding:
    twin = next((each for each in twins(look.processes, look.home.keeper_socket) if each.pid != keeper.pid), None)
    if twin is None:
        return HOLDER_ABSENT.found("the keeper's twin is not there")
    if twin.is_stopped:
        return HOLDER_STOPPED.found(f"pid {twin.pid} is stopped", f"run: kill -CONT {twin.pid}")
    return ok("holder", f"pid {twin.pid}")


def twins(processes: list[Seen], keeper_socket: str) -> list[Seen]:
    """The keeper of that socket and what it has forked: they have the same command line."""
    return [each for each in processes if keeper_socket in each.argv and each.state != "Z"]
