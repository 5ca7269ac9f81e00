"""``persistproc status``: all about one process."""

from __future__ import annotations

import sys

from ..arguments import Arguments, Command
from ..deeds import because_of, who
from ..limits import last_used, limits
from ..oneline import one_line, short_directory
from ..output import print_document, say
from ..render import memory, ports_in_full, state_colour, state_words, table
from ..terminal import colours, paint
from ..times import duration, seconds_since
from ..words import address, counted, output_of_adopted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import ClientInfo, RunInfo, StatusReply

    from ..context import Context

__all__ = ["COMMAND"]

# Reasons of runs that are as they were begun; who began them stands beside it.
_BEGUN = ("started by ", "restarted by ", "replaced by ")
# What the daemon adds to a reason when a changed file led to no restart.
_OF_THE_WATCH = ("; no longer watched: ", "; not restarted: ")


def _run(context: Context, arguments: Arguments) -> int:
    with context.connect() as client:
        reply = client.get_process_status(process=arguments.words[0])
    if context.json:
        print_document(reply)
        return 0
    left = len(reply["survivors"])
    state = state_words(reply, left)
    if colours(sys.stdout):
        state = paint(state, state_colour(reply, left))
    facts = [(label, one_line(fact)) for label, fact in _facts(reply) if fact]
    facts[1:1] = [("state", state)]
    size = max(len(label) for label, _ in facts)
    for label, fact in facts:
        say(f"{label:<{size}}  {fact}")
    if len(reply["history"]) > 1:
        say("")
        say(_history(reply))
    return 0


def _facts(reply: StatusReply) -> list[tuple[str, str]]:
    cpu = reply["cpu_percent"]
    usage = f"{cpu or 0.0:.1f}% cpu, {memory(reply['memory_bytes'])} memory, {counted(reply['processes'], 'process')}"
    return [
        ("name", f"{reply['project']}/{reply['name']}"),
        ("reason", _reason(reply)),
        ("ready", _ready(reply)),
        ("question", reply["waiting_for_input"] or ""),
        ("answer it", f"persistproc send {address(reply)} TEXT" if reply["waiting_for_input"] is not None else ""),
        ("command", reply["command"] + _shell(reply)),
        ("directory", short_directory(reply["working_directory"])),
        ("run", f"{reply['run']} ({reply['run_id']})"),
        ("pid", "" if reply["ended_at"] else str(reply["pid"] or "")),
        ("terminal", f"yes; use it with: persistproc attach {address(reply)}" if reply["tty"] else ""),
        ("captured", "yes; its output comes through persistproc capture" if reply["captured"] else ""),
        ("survivors", ", ".join(map(str, reply["survivors"]))),
        ("ports", ports_in_full(reply)),
        ("url", reply.get("url") or ""),
        ("usage", usage if reply["processes"] else ""),
        ("restart", _restart(reply)),
        ("watched", ", ".join(reply.get("watch", ()))),
        ("autostart", "yes, after a reboot" if reply.get("autostart") else ""),
        ("started" if reply.get("replaced_run") is None else "restarted", _begun(reply)),
        ("ended", _ended(reply)),
        ("used", last_used(reply)),
        ("stops", limits(reply)),
        ("left behind", reply.get("stale") or ""),
        ("protected", _protected(reply.get("protected_by"))),
        ("environment", f"{len(reply['environment_names'])} variables" if reply["environment_names"] else ""),
        ("logs", short_directory(reply["log_directory"])),
    ]


def _reason(reply: StatusReply) -> str:
    reason = reply["reason"] or ""
    # Who started and who stopped it has a line of its own; what became of its watch has none.
    for watch in _OF_THE_WATCH:
        if watch in reason:
            return reason[reason.index(watch) + 2 :]
    if reply.get("adopted") and reason.startswith("adopted by "):
        return output_of_adopted(reason)
    if reason.startswith(_BEGUN):
        _, found, moved = reason.partition("; port ")
        return f"port {moved}" if found else ""
    return "" if _was_stopped(reply) else reason


def _ready(reply: StatusReply) -> str:
    """``after 1.2 s: listens on port 3000``; nothing where nobody asked for it."""
    ready = reply.get("ready")
    if ready is None:
        return ""
    if not ready:
        return "not any more" if reply.get("ready_at") else "not yet"
    seconds = reply.get("ready_seconds")
    return ("yes" if seconds is None else f"after {seconds:.2g} s") + f": {reply.get('ready_by')}"


def _shell(reply: StatusReply) -> str:
    if not reply["shell"]:
        return ""
    argv = reply["argv"]
    return " (under /bin/sh -c)" if argv[0] == "/bin/sh" and len(argv) == 3 and argv[1] == "-c" else " (login shell)"


def _was_stopped(run: StatusReply | RunInfo) -> bool:
    # One that ended by itself may have been stopped before its policy started it again.
    return run["state"] == "stopped" and run.get("stopped_by") is not None


def _restart(reply: StatusReply) -> str:
    policy, count = reply.get("restart", "never"), reply.get("restarts", 0)
    if policy == "never":
        return ""
    return f"{policy}; this run came of {counted(count, 'restart')} in a row" if count else policy


def _begun(reply: StatusReply) -> str:
    replaced = "" if reply.get("replaced_run") is None else f", after run {reply.get('replaced_run')},"
    why = because_of(reply.get("start_reason"))
    if reply.get("adopted"):
        return f"{_ago(reply['started_at'])}, not by persistproc; adopted by {who(reply['started_by'])}{why}"
    return f"{_ago(reply['started_at'])}{replaced} by {who(reply['started_by'])}{why}"


def _ended(reply: StatusReply) -> str:
    if not reply["ended_at"]:
        return ""
    by = reply.get("stopped_by")
    stopped = ""
    if by is not None and _was_stopped(reply):
        stopped = f", stopped by {who(by)}{because_of(reply.get('stop_reason'))}"
    return f"{_ago(reply['ended_at'])}{stopped}"


def _protected(by: ClientInfo | None) -> str:
    return f"by {who(by)}: others need --force and --reason" if by else ""


def _ago(stamp: str) -> str:
    """``5m ago (2026-03-01T12:00:00.250Z)``."""
    return f"{duration(seconds_since(stamp))} ago ({stamp})"


def _history(reply: StatusReply) -> str:
    after = {run.get("replaced_run"): run["run"] for run in reply["history"]}
    rows = [_row(run, after.get(run["run"])) for run in reply["history"]]
    return table(["RUN", "STATE", "STARTED", "BY", "REASON"], rows)


def _row(run: RunInfo, after: int | None) -> list[str]:
    """``after``: the run that took its place."""
    started = f"{duration(seconds_since(run['started_at']))} ago"
    begun = f"{who(run['started_by'])}{because_of(run.get('start_reason'))}"
    return [str(run["run"]), state_words(run), started, one_line(begun), one_line(_why(run, after))]


def _why(run: RunInfo, after: int | None) -> str:
    """Why it is as it is, without what stands elsewhere in the table."""
    reason, by = run["reason"] or "", run.get("stopped_by")
    for how, told in (("restarted by ", "restarted as run"), ("replaced by ", "replaced by run")):
        if by is not None and after is not None and reason.startswith(how):
            return f"{told} {after}"
    if by is not None and _was_stopped(run):
        return f"stopped by {who(by)}{because_of(run.get('stop_reason'))}"
    return "" if reason.startswith(_BEGUN) else reason


COMMAND = Command(
    "status",
    "NAME",
    "Tell all about one process: state, ports, resources, and its earlier runs.",
    _run,
    words=(1, 1),
    examples=("persistproc status web", "persistproc status web --json"),
)
