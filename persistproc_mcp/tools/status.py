"""get_process_status: all about one process, a fact a line."""

from __future__ import annotations

from typing import cast

from persistproc_core.protocol import Listener, LogPathsReply, RunInfo, StatusReply

from ..callers import Caller
from .calling import asked, directory
from .reading import read
from .text.people import who
from .text.processes import (
    LIVE,
    address,
    age,
    changed_last,
    command,
    expires,
    listening,
    ran_for,
    readiness_words,
    started,
    state_words,
    variables,
)
from .text.safe import inline, quoted, short_path
from .tool import Answer, Call

__all__ = ["get_process_status"]

_MOST_RUNS = 5
_MOST_NAMES = 100


async def get_process_status(call: Call) -> Answer:
    """State, ports, who did what, where the output lies, and the runs before."""
    target = asked(call)
    both = await read(call, ("get_process_status", target), ("get_process_log_paths", target))
    status, paths = cast("StatusReply", both[0]), cast("LogPathsReply", both[1])
    name = address(status, directory(call))
    lines = [f"{name}: {state_words(status)} {age(status)}", *_facts(status, call.caller), *_logs(paths)]
    lines += _history(status, call.caller)
    return Answer("\n".join(lines), about=(status["run_id"],), tells_change=True)


def _facts(status: StatusReply, caller: Caller) -> list[str]:
    live = status["state"] in LIVE
    urls, asks, protector = listening(status["ports"]), status["waiting_for_input"], status["protected_by"]
    addresses = sorted({_socket_address(listener) for listener in status["ports"]})
    facts = {
        "project": f"{inline(status['project'])} in {short_path(status['project_directory'])}",
        "command": command(status, 1000) + (" (under /bin/sh -c)" if status["shell"] else ""),
        "directory": short_path(status["working_directory"]),
        "pid": f"{status['pid']}" if live else "",
        "listening": f"{urls} ({', '.join(addresses)})" if urls else "",
        "its ports": _assigned(status),
        "ready": readiness_words(status) if live else "",
        "asks for input": quoted(asks) if asks is not None else "",
        "last change": changed_last(status, caller),
        "restart": status["restart"] if status["restart"] != "never" else "",
        "autostart": "yes, after a reboot" if status["autostart"] else "",
        "protected by": who(protector, caller) if protector is not None else "",
        "uses": _usage(status) if live else "",
        "limits": expires(status),
        "left behind": inline(status["stale"] or "", 300),
        "still alive": f"pids {', '.join(map(str, status['survivors']))}" if status["survivors"] else "",
        "terminal": "yes" if status["tty"] else "",
        "captured": "its program was not started by persistproc" if status["captured"] else "",
        "adopted": inline(status["reason"] or "it was started outside of persistproc") if status["adopted"] else "",
        "defined": "in the project's file" if status["defined"] else "",
        "tags": ", ".join(map(inline, status["tags"])),
        "restarted when these change": ", ".join(map(inline, status["watch"])),
        "environment (names)": variables(status["environment_names"], _MOST_NAMES),
    }
    return [f"{title}: {fact}" for title, fact in facts.items() if fact]


def _assigned(status: StatusReply) -> str:
    return ", ".join(f"{inline(name)} {port}" for name, port in status["assigned_ports"].items())


def _socket_address(listener: Listener) -> str:
    host = listener["address"]
    # As in a URL (RFC 3986, section 3.2.2): ::1:5173 is another address.
    return f"[{host}]:{listener['port']}" if ":" in host else f"{host}:{listener['port']}"


def _usage(status: StatusReply) -> str:
    parts = [f"{status['processes']} process{'' if status['processes'] == 1 else 'es'}"]
    if status["memory_bytes"] is not None:
        parts.append(f"{status['memory_bytes'] / 2**20:.0f} MiB")
    if status["cpu_percent"] is not None:
        parts.append(f"{status['cpu_percent']:.0f} % of a core")
    return ", ".join(parts)


def _logs(paths: LogPathsReply) -> list[str]:
    # Not shortened: tools that read files take no ~.
    return [
        f"{stream['stream']} log ({stream['bytes']:,} bytes): {', '.join(stream['paths'])}"
        for stream in paths["streams"]
        if stream["paths"]
    ]


def _history(status: StatusReply, caller: Caller) -> list[str]:
    runs = status["history"]
    if len(runs) < 2:
        return []
    older = [f"  {_run(run, caller)}" for run in runs[1 : 1 + _MOST_RUNS]]
    more = len(runs) - 1 - len(older)
    return [f"run {status['run']}; before it:", *older, *([f"  and {more} more"] if more else [])]


def _run(run: RunInfo, caller: Caller) -> str:
    ran = ran_for(run)
    if run["state"] == "stopped":
        return f"run {run['run']}: {changed_last(run, caller)}{f',{ran}' if ran else ''}"
    return f"run {run['run']}: {state_words(run)}{ran}, {age(run)}; {started(run, caller)}"
