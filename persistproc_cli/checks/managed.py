"""Is anything wrong with the processes themselves?"""

from __future__ import annotations

from .finding import Kind, ok

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from persistproc_core.protocol import ProcessInfo

    from .finding import Finding

__all__ = ["KINDS", "managed"]

_MOST_NAMED = 5

STALE = Kind(
    "processes",
    "processes-stale",
    "warning",
    "Live processes look left behind: nobody has read their output, typed into them or been connected to their ports "
    "for a while, or their directory is gone.",
    "look at them: `persistproc list --stale --all`; to stop and forget them: `persistproc prune --stale --all`",
)
SURVIVORS = Kind(
    "processes",
    "processes-surviving",
    "warning",
    "Runs have ended, and processes that they had started live on; they may hold a port.",
    "run: `persistproc stop NAME`",
)
KINDS = (STALE, SURVIVORS)


def managed(all_of_them: list[ProcessInfo], stale: list[ProcessInfo]) -> Iterator[Finding]:
    """All processes of all projects, and those that look left behind."""
    if stale:
        yield STALE.found(_named(stale))
    surviving = [each for each in all_of_them if each["survivors"]]
    if surviving:
        yield SURVIVORS.found(_named(surviving), f"run: persistproc stop {_name(surviving[0])}")
    if not stale and not surviving:
        live = sum(each["processes"] > 0 for each in all_of_them)
        yield ok("processes", f"{len(all_of_them)} known, {live} live")


def _named(processes: list[ProcessInfo]) -> str:
    more = f" and {len(processes) - _MOST_NAMED} more" if len(processes) > _MOST_NAMED else ""
    return ", ".join(f"{_name(each)}{_why(each)}" for each in processes[:_MOST_NAMED]) + more


def _name(process: ProcessInfo) -> str:
    return f"{process['project']}/{process['name']}"


def _why(process: ProcessInfo) -> str:
    return f" ({process['stale']})" if process.get("stale") else ""
