"""``persistproc shutdown``: the end of the daemon and, unless told otherwise, of the bridge and all processes."""

from __future__ import annotations

import os

from persistproc_core.errors import DaemonUnavailable

from ..arguments import Arguments, Command, Option
from ..confirming import confirmed, need_terminal
from ..daemon import wait_until_gone
from ..oneline import one_line
from ..output import note, print_document, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import ShutdownDaemonParams, ShutdownReply

    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    keep = arguments.flag("--keep")
    try:
        with context.connect(autostart=False) as client:
            if not (keep or arguments.flag("--yes") or _confirmed(client)):
                note("nothing was stopped")
                return 1
            params: ShutdownDaemonParams = {"stop_processes": not keep}
            grace = arguments.number("--grace")
            if grace is not None:
                params["grace_seconds"] = grace
            if not keep:
                # First: what an agent asks of it meanwhile would start the next daemon.
                _end_bridge(context)
            reply = client.shutdown_daemon(**params)
    except DaemonUnavailable:
        if not keep:
            _end_bridge(context)
        return _nobody_there(context)
    wait_until_gone(reply["pid"])
    if context.json:
        print_document(reply)
    else:
        say(_describe(reply))
    return 0


def _end_bridge(context: Context) -> None:
    from ..bridge import end

    pid = end(context.home())
    if pid is not None and not context.json:
        say(f"bridge ended (pid {pid})")


def _confirmed(client: Client) -> bool:
    need_terminal("shutdown stops all processes", hint="pass --yes, or --keep to spare them")
    running = client.list_processes(all_projects=True, running=True)["processes"]
    for process in running:
        note(f"running: {process['project']}/{process['name']} (pid {process['pid']})")
    return confirmed(f"stop the daemon, and all that runs ({len(running)})?")


def _nobody_there(context: Context) -> int:
    from ..locks import holder

    keeper = holder(os.path.join(context.home().keeper, "lock"))
    if context.json:
        print_document({"pid": None, "stopped": [], "left_running": []})
    if keeper:
        note(f"no daemon runs, but a keeper does (pid {keeper}), and its processes with it")
        note("to stop them: persistproc daemon start, then persistproc shutdown")
        return 1
    note("no daemon runs; there is nothing to shut down")
    return 0


def _describe(reply: ShutdownReply) -> str:
    lines = [f"daemon ended (pid {reply['pid']})"]
    lines += [f"stopped: {one_line(name)}" for name in reply["stopped"]]
    lines += [f"still running: {one_line(name)}" for name in reply["left_running"]]
    return "\n".join(lines)


COMMAND = Command(
    "shutdown",
    "[--yes] [--keep] [--grace SECONDS]",
    "Stop all processes, the daemon and the bridge. Asks first.",
    _run,
    options=(
        Option("--yes", "-y", help="do not ask; needed where there is no terminal"),
        Option("--keep", help="leave processes and bridge running, and end only the daemon"),
        Option("--grace", value="SECONDS", help="for each process, until SIGKILL (default 10)"),
    ),
    examples=("persistproc shutdown --yes", "persistproc shutdown --keep"),
    notes="Answers when the daemon is gone. It never starts one. The next command that needs a daemon does.",
)
