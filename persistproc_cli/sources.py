"""The processes whose output is asked for."""

from __future__ import annotations

from .words import LIVE, address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import ProcessInfo

    from .words import Named

__all__ = ["Source", "find_sources"]


class Source:
    """A process: what to call it here, how the daemon finds it whatever else has its name, and its newest run."""

    __slots__ = ("key", "live", "name", "process", "run", "target")

    def __init__(self, process: Named, *, run: int, live: bool) -> None:
        self.process = process
        self.name = address(process)
        self.key = (process["project_directory"], process["name"])
        self.target = f"{process['project_directory'].rstrip('/')}/{process['name']}"
        self.run = run
        self.live = live


def find_sources(client: Client, words: Sequence[str], *, all_projects: bool) -> list[Source]:
    """The processes that are named, each once; without names those of the project, or of every project."""
    processes: list[ProcessInfo] = [client.get_process_status(process=word) for word in words]
    if not words:
        processes = client.list_processes(all_projects=all_projects)["processes"]
    found: dict[tuple[str, str], Source] = {}
    for process in processes:
        # Who follows one that restarts waits for its next run.
        source = Source(process, run=process["run"], live=process["state"] in LIVE)
        found.setdefault(source.key, source)
    return list(found.values())
