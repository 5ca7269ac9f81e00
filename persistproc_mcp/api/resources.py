"""The resources of the HTTP interface: one table of HTTP method, path and method of the protocol.

Routing, parameters, the OpenAPI document and the reference page are made from it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["RESOURCES", "STREAMS", "WITH_BODY", "Resource", "Stream"]

_PROCESS: Final = "/api/processes/{process}"

WITH_BODY: Final = ("POST", "PATCH")
"""The HTTP methods whose parameters are a JSON object; those of the others are in the query."""


class Resource(NamedTuple):
    """One request: what it does is the method of the protocol."""

    verb: str
    """The HTTP method. GET changes nothing; a page of another site can always make a browser send one."""
    path: str
    method: str
    left_out: tuple[str, ...] = ()
    """Parameters that it does not take: in a query they would change something, or be written into a log."""


class Stream(NamedTuple):
    """One path that is read as server-sent events or over a WebSocket."""

    path: str
    method: str
    summary: str


RESOURCES: Final = (
    Resource("GET", "/api/processes", "list_processes"),
    Resource("POST", "/api/processes", "start_process"),
    Resource("GET", _PROCESS, "get_process_status", ("environment",)),
    Resource("PATCH", _PROCESS, "configure_process"),
    Resource("DELETE", _PROCESS, "remove_process"),
    Resource("GET", f"{_PROCESS}/output", "get_process_output", ("mark",)),
    Resource("GET", f"{_PROCESS}/log_paths", "get_process_log_paths"),
    Resource("POST", f"{_PROCESS}/stop", "stop_process"),
    Resource("POST", f"{_PROCESS}/restart", "restart_process"),
    Resource("POST", f"{_PROCESS}/wait", "wait_for_process"),
    Resource("POST", f"{_PROCESS}/input", "send_process_input"),
    Resource("POST", f"{_PROCESS}/signal", "signal_process"),
    Resource("POST", f"{_PROCESS}/protect", "protect_process"),
    Resource("POST", f"{_PROCESS}/terminal", "resize_terminal"),
    Resource("POST", "/api/adopt", "adopt_process"),
    Resource("GET", "/api/project", "get_project"),
    Resource("POST", "/api/project/start", "start_project"),
    Resource("POST", "/api/project/stop", "stop_project"),
    Resource("GET", "/api/ports/{port}", "get_port"),
    Resource("GET", "/api/marks", "list_marks"),
    Resource("POST", "/api/marks", "set_mark"),
    Resource("POST", "/api/news", "get_news"),
    Resource("POST", "/api/prune", "prune_processes"),
    Resource("GET", "/api/daemon", "get_daemon_status"),
)

STREAMS: Final = (
    Stream("/api/events", "watch_processes", "Follow what happens to processes."),
    Stream("/api/output/stream", "follow_process_output", "Follow what processes print."),
    Stream(f"{_PROCESS}/output/stream", "follow_process_output", "Follow what one process prints."),
)
