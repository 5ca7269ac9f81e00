"""``persistproc daemon``: the daemon itself. Only ``start`` and ``restart`` ever start one."""

from __future__ import annotations

import os
import sys

from persistproc_core.errors import DaemonUnavailable

from ..arguments import Arguments, Command, Option, UsageError
from ..daemon import end_silent_daemon, is_served, wait_until_gone
from ..oneline import one_line
from ..output import note, print_document, say
from ..render import memory
from ..restarting import HELLO_SECONDS, describe, restart
from ..sanitize import sanitize

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import DaemonStatus

    from ..context import Context

__all__ = ["COMMAND"]

DEFAULT_LINES = 100


def _run(context: Context, arguments: Arguments) -> int:
    action = arguments.words[0]
    actions = {"start": _start, "stop": _stop, "restart": _restart, "status": _status, "logs": _logs}
    if action not in actions:
        raise UsageError(f"daemon has no action {action!r}", hint="start, stop, restart, status or logs")
    return actions[action](context, arguments)


def _start(context: Context, arguments: Arguments) -> int:
    with context.connect() as client:
        return _tell(context, client.get_daemon_status(), "the daemon runs")


def _stop(context: Context, arguments: Arguments) -> int:
    if not is_served(context.home().socket):
        if context.json:
            print_document({"pid": None, "stopped": [], "left_running": []})
        else:
            say("no daemon runs")
        return 0
    pid = 0
    try:
        with context.connect_to_any(HELLO_SECONDS) as client:
            pid = client.hello["pid"]
            reply = client.shutdown_daemon(stop_processes=False)
    except DaemonUnavailable as error:
        note(f"{error.message}; ending the daemon by a signal")
        # What it leaves running it could not tell us.
        reply = {"pid": end_silent_daemon(context.home(), pid), "stopped": [], "left_running": []}
    gone = wait_until_gone(reply["pid"])
    if context.json:
        print_document(reply)
        return 0 if gone else 1
    say(f"daemon {'ended' if gone else 'is about to end'} (pid {reply['pid']})")
    count = len(reply["left_running"])
    if count:
        say(f"still running without it: {', '.join(map(one_line, reply['left_running']))}")
        say("the next persistproc command starts a daemon that finds them again")
    return 0 if gone else 1


def _restart(context: Context, arguments: Arguments) -> int:
    restarted = restart(context)
    if context.json:
        print_document(restarted)
    else:
        say(describe(restarted))
    return 0


def _status(context: Context, arguments: Arguments) -> int:
    with context.connect_to_any(HELLO_SECONDS) as client:
        status = client.get_daemon_status()
    if context.json:
        print_document(status)
        return 0
    facts = [
        ("daemon", f"version {status['version']}, protocol {status['protocol']}, pid {status['pid']}"),
        ("home", status["home"]),
        ("socket", status["socket"]),
        ("started", status["started_at"]),
        ("keeper", f"pid {status['keeper_pid']}" if status["keeper_pid"] else "none yet"),
        ("processes", f"{status['processes']}, {status['running']} running"),
        ("memory", f"{memory(status['memory_bytes'])}, keeper {memory(status['keeper_memory_bytes'])}"),
        ("connections", str(status["connections"])),
        ("output", f"{memory(status['output_bytes'])} of at most {memory(status['output_limit_bytes'])}"),
        ("config", status["config"]),
        *(("problem", problem) for problem in status["config_problems"]),
    ]
    for label, fact in facts:
        say(f"{label:<11}  {one_line(fact)}")
    return 0


def _tell(context: Context, status: DaemonStatus, text: str) -> int:
    if context.json:
        print_document(status)
    else:
        say(f"{text} (pid {status['pid']}, version {status['version']})")
    return 0


def _logs(context: Context, arguments: Arguments) -> int:
    wanted = arguments.integer("--lines")
    path = context.home().log
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as log:
            lines = log.read().splitlines()
    except FileNotFoundError:
        lines = []
    except OSError as error:
        raise DaemonUnavailable(f"cannot read {path}: {error.strerror}") from None
    count = DEFAULT_LINES if wanted is None else wanted
    lines = lines[-count:] if count else []
    if context.json:
        print_document({"path": path, "lines": lines})
        return 0
    if not lines:
        note(f"the log {os.path.basename(path)} is empty or not there: no daemon has written to {path}")
    for line in lines:
        print(sanitize(line))
    sys.stdout.flush()
    return 0


COMMAND = Command(
    "daemon",
    "start | stop | restart | status | logs",
    "Start, stop, restart or inspect the daemon. Processes are never touched.",
    _run,
    options=(Option("--lines", "-n", value="N", help=f"for logs: how many lines (default {DEFAULT_LINES})"),),
    words=(1, 1),
    examples=("persistproc daemon status", "persistproc daemon restart", "persistproc daemon logs -n 20"),
    notes=(
        "restart replaces the daemon by one of this command's version, with its interpreter and environment. The old\n"
        "one hands over all that it knows; whoever follows a process notices nothing. When the new one does not come\n"
        "to serve, the old one goes on. stop detaches whoever follows a process with run or logs -f.\n"
        "stop, restart and status also work on a daemon of a version that no other verb can talk to.\n"
        "The daemon starts by itself whenever a verb needs it; stop leaves all processes running. To stop these too,\n"
        "use shutdown. status ends with 69 when no daemon runs."
    ),
)
