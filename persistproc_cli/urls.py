"""Which URLs are meant by ``persistproc url`` and ``open``."""

from __future__ import annotations

from persistproc_core.errors import NotRunning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import ProcessInfo

__all__ = ["url_of", "urls_of_project"]


def url_of(client: Client, process: str) -> tuple[ProcessInfo, str]:
    """A process and its URL. Raises `NotRunning` when it has none (yet)."""
    info = client.get_process_status(process=process)
    url = info["url"]
    if url is not None:
        return info, url
    name = info["name"]
    if info["ended_at"]:
        raise NotRunning(f"{name} does not run", hint=f"start it: persistproc restart {name}")
    if info["ports"]:
        ports = ", ".join(str(listener["port"]) for listener in info["ports"])
        raise NotRunning(f"{name} listens on {ports}, but that is nothing for a browser", hint="see: persistproc port")
    raise NotRunning(
        f"{name} has no URL: it listens on no port", hint=f"wait for it: persistproc wait {name} --any-port"
    )


def urls_of_project(client: Client, *, all_projects: bool) -> list[tuple[ProcessInfo, str]]:
    """All that have one."""
    listed = client.list_processes(all_projects=all_projects, running=True)["processes"]
    return [(info, info["url"]) for info in listed if info["url"] is not None]
