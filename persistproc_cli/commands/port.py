"""``persistproc port``: which process has which port, and who holds one."""

from __future__ import annotations

from persistproc_core.errors import NotRunning, ProcessNotFound

from ..arguments import Arguments, Command, UsageError
from ..oneline import one_line, short_directory
from ..output import note, print_document, say
from ..port_options import port_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from persistproc_core.protocol import Holder, PortReply, ProcessInfo

    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    words = arguments.words
    if not words:
        return _table(context)
    if words[0].startswith(":"):
        if len(words) > 1:
            raise UsageError(f"port does not take {words[1]!r} after {words[0]}")
        return _holder(context, words[0][1:])
    return _one(context, words[0], words[1] if len(words) > 1 else None)


def _one(context: Context, process: str, name: str | None) -> int:
    try:
        with context.connect() as client:
            info = client.get_process_status(process=process)
    except ProcessNotFound as error:
        if process.isascii() and process.isdigit():
            error.hint = f"who listens on that port: persistproc port :{process}"
        raise
    port = _port_of(info, name)
    if context.json:
        print_document({"name": info["name"], "port": port, "ports": info["assigned_ports"]})
    else:
        say(str(port))
    return 0


def _port_of(info: ProcessInfo, name: str | None) -> int:
    assigned = info["assigned_ports"]
    if name is not None:
        if name not in assigned:
            known = f"its ports are {', '.join(assigned)}" if assigned else "no port of it has a name"
            raise UsageError(f"{info['name']} has no port {name!r}", hint=known)
        return assigned[name]
    found = [*assigned.values(), *(listener["port"] for listener in info["ports"])]
    if not found:
        wait = f"wait for it: persistproc wait {info['name']} --any-port"
        hint = "start it first" if info["ended_at"] else wait
        raise NotRunning(f"{info['name']} listens on no port", hint=hint)
    return found[0]


def _table(context: Context) -> int:
    with context.connect() as client:
        processes = client.list_processes(all_projects=context.directory is None)["processes"]
    rows = [row for info in processes for row in _rows(info)]
    if context.json:
        keys = ("process", "name", "port", "listens", "url")
        print_document({"ports": [dict(zip(keys, row, strict=True)) for row in rows]})
    elif not rows:
        note("no process of this project has a port")
    else:
        from ..render import table

        cells = [
            [one_line(process), name or "-", str(port), "yes" if listens else "no", one_line(url or "-")]
            for process, name, port, listens, url in rows
        ]
        say(table(["PROCESS", "NAME", "PORT", "LISTENS", "URL"], cells))
    return 0


def _rows(info: ProcessInfo) -> Iterator[tuple[str, str | None, int, bool, str | None]]:
    """Its ports: those that it is to have, then those that it listens on besides."""
    heard = {listener["port"]: listener["url"] for listener in info["ports"]}
    assigned = info["assigned_ports"]
    for name, port in assigned.items():
        yield info["name"], name, port, port in heard, heard.get(port)
    for port, url in heard.items():
        if port not in assigned.values():
            yield info["name"], None, port, True, url


def _holder(context: Context, digits: str) -> int:
    number = port_number(digits)
    if number is None:
        raise UsageError(f"there is no port {digits!r}", hint="for example: persistproc port :3000")
    with context.connect() as client:
        reply = client.get_port(port=number)
    if context.json:
        print_document(reply)
        return 0
    for line in _lines(reply):
        say(one_line(line))
    return 0


def _lines(reply: PortReply) -> Iterator[str]:
    port, holder = reply["port"], reply["holder"]
    if holder is None:
        yield f"nobody listens on port {port}"
    elif holder["kind"] == "unknown":
        yield f"port {port}: a process listens that we may not look at (of another user?)"
    else:
        yield f"port {port}: {_who(holder)}"
        if holder["kind"] == "stranger":
            yield f"persistproc did not start it; to take it into the list: persistproc adopt :{port}"
    if reply["leased_to"] is not None:
        yield f"it is kept for {reply['leased_to']}"


def _who(holder: Holder) -> str:
    from ..deeds import who
    from ..times import duration, seconds_since

    ours = holder["kind"] == "process"
    name = f"{holder['project']}/{holder['name']}, pid" if ours else "pid"
    since = f", for {duration(seconds_since(holder['started_at']))}" if holder["started_at"] else ""
    by = f", started by {who(holder['started_by'])}" if holder["started_by"] else ""
    where = f" in {short_directory(holder['working_directory'])}" if holder["working_directory"] else ""
    return f"{name} {holder['pid']}{since}{by}: {holder['command'] or '(its command is not known)'}{where}"


COMMAND = Command(
    "port",
    "[NAME [PORT-NAME] | :PORT]",
    "Tell a process's port, the ports of all, or who holds one.",
    _run,
    words=(0, 2),
    examples=("persistproc port", "curl localhost:$(persistproc port web)", "persistproc port :3000"),
    notes=(
        "Without a name: the ports of all processes of this project.\n"
        "With a name the number alone: of its first declared port, else of the first one that it listens on.\n"
        ":PORT tells who listens there, also when persistproc did not start it."
    ),
)
