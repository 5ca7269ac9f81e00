"""The protocol, declared once: methods, parameters, results and limits.

JSON-RPC 2.0 over the socket, one message a line. Validation, the typed client methods, the OpenRPC document
(``rpc.discover``), the reference pages and the HTTP interface of the bridge are all derived from what stands here.

A parameter type is a ``TypedDict``: the annotation is its type, the string beside it its documentation, and an
`Allowed` its range. Errors are declared in `persistproc_core.errors`.

After a connection is accepted the daemon sends one notification, ``hello``. What a subscription brings comes as
notifications as well; all of them stand in `NOTIFICATIONS`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NamedTuple

from typing_extensions import Required, TypedDict

from . import errors
from .framing import MAX_DEPTH, MAX_MESSAGE_BYTES

__all__ = [
    "LIMITS",
    "METHODS",
    "NOTIFICATIONS",
    "OLDEST_PROTOCOL",
    "PROTOCOL_VERSION",
    "Allowed",
    "Method",
    "Notification",
    "method_named",
]

PROTOCOL_VERSION: Final = 1
"""Raised when a client of the former version would miss something: a method, or another meaning of a field."""

OLDEST_PROTOCOL: Final = 1
"""The oldest version whose clients are served. Of any version, the hello and these methods keep their form for ever:
get_daemon_status, replace_daemon and shutdown_daemon."""

MAX_BATCH = 16
MAX_CONNECTIONS = 256
MAX_IN_FLIGHT = 8
MAX_OUTPUT_BYTES = 256 * 1024
MAX_OUTPUT_LINES = 10_000
MAX_WAIT_SECONDS = 3600.0
MAX_POLL_SECONDS = 60.0
MAX_CONTEXT_LINES = 100
MAX_FOLLOWED = 100
MAX_SUBSCRIPTIONS = 16

LIMITS: Final[dict[str, tuple[int | float, str]]] = {
    "message_bytes": (MAX_MESSAGE_BYTES, "longest request line; a longer one ends the connection"),
    "depth": (MAX_DEPTH, "deepest nesting of arrays and objects in a request"),
    "batch": (MAX_BATCH, "most requests in one batch"),
    "connections": (MAX_CONNECTIONS, "most connections at a time; one more waits to be accepted"),
    "in_flight": (MAX_IN_FLIGHT, "most requests of one connection at work; the next is read when one is answered"),
    "output_bytes": (MAX_OUTPUT_BYTES, "most bytes of output in one reply"),
    "output_lines": (MAX_OUTPUT_LINES, "most lines of output in one reply"),
    "wait_seconds": (MAX_WAIT_SECONDS, "longest timeout of wait_for_process"),
    "poll_seconds": (MAX_POLL_SECONDS, "longest wait_seconds of get_process_output"),
    "context_lines": (MAX_CONTEXT_LINES, "most lines before and after one that matches grep"),
    "subscriptions": (MAX_SUBSCRIPTIONS, "most subscriptions of one connection"),
    "followed": (MAX_FOLLOWED, "most processes that one subscription names"),
}
"""Every limit of the protocol, with what happens at it."""


class Allowed(NamedTuple):
    """The range of a parameter: of a number its value, of a text or list its length."""

    least: float | None = None
    most: float | None = None


# --- what is shared -----------------------------------------------------------------------------------------------

State = Literal["starting", "running", "stopping", "stopped", "exited", "failed", "restarting", "lost"]
RestartPolicy = Literal["never", "on-failure", "always"]
Stream = Literal["stdout", "stderr"]
View = Literal["combined", "stdout", "stderr"]
Format = Literal["plain", "ansi", "raw"]
EventType = Literal[
    "started",
    "ready",
    "restarted",
    "stopping",
    "stopped",
    "exited",
    "failed",
    "lost",
    "removed",
    "output_seen",
    "port_opened",
    "port_closed",
    "waiting_for_input",
    "input_taken",
    "output_deleted",
    "protected",
    "unprotected",
    "given_up",
    "configured",
]


class ClientInfo(TypedDict, total=False):
    """Who asks. The daemon adds the pid of the connection's peer where it is not given."""

    name: Required[Annotated[str, "The program: persistproc-cli, cursor, claude-code.", Allowed(1, 100)]]
    version: Annotated[str, "Its version.", Allowed(0, 100)]
    pid: Annotated[int, "Its process id.", Allowed(1, 2**31)]
    directory: Annotated[str, "The directory it works in.", Allowed(1, 4096)]
    session: Annotated[str, "Tells several conversations of one program apart where the pid does not.", Allowed(1, 200)]


class Listener(TypedDict):
    """A TCP port that a process of the run listens on."""

    port: Annotated[int, "TCP port."]
    address: Annotated[str, "Local address: 127.0.0.1, ::1, 0.0.0.0, ::."]
    pid: Annotated[int, "The process that listens."]


class ProcessInfo(TypedDict):
    """A process and its newest run."""

    name: Annotated[str, "Unique within its project."]
    project: Annotated[str, "The project's short name: the last part of its directory."]
    project_directory: Annotated[str, "The git work tree, else the working directory of the first start."]
    state: Annotated[
        State, "State of the newest run; restarting: it has ended, and another one is to be started at restart_at."
    ]
    pid: Annotated[int | None, "Process id of the run's leader; also its process group and session."]
    run: Annotated[int, "Number of the run, counted from 1."]
    run_id: Annotated[
        str, "Names the run for ever; its folder's name, and the value of PERSISTPROC_RUN in its processes."
    ]
    command: Annotated[str, "The command as one line of shell text."]
    argv: Annotated[list[str], "The argument list that is executed."]
    shell: Annotated[bool, "True when the command runs under /bin/sh -c."]
    working_directory: Annotated[str, "Absolute path."]
    started_at: Annotated[str, "When the run was asked for: RFC 3339, UTC, milliseconds."]
    ended_at: Annotated[str | None, "When the leader ended, the same way; the best known time where nobody saw it."]
    exit_code: Annotated[int | None, "0 to 255 when the leader exited by itself."]
    signal: Annotated[str | None, "Name of the signal that ended the leader: SIGTERM."]
    reason: Annotated[str | None, "In words, why the run is in this state."]
    ports: Annotated[list[Listener], "Ports that the run's processes listen on, by port."]
    started_by: Annotated[ClientInfo, "Who asked for this run."]
    start_reason: Annotated[str | None, "Why, in the words of who asked for it."]
    replaced_run: Annotated[int | None, "The run that was restarted as this one; null: it was started."]
    stopped_by: Annotated[ClientInfo | None, "Who asked for its end, when somebody did."]
    stop_reason: Annotated[str | None, "Why, in the words of who asked for it."]
    protected_by: Annotated[
        ClientInfo | None, "Who protected the process: what others do to it needs force and a reason."
    ]
    cpu_percent: Annotated[
        float | None, "Of one core, all processes of the run, since somebody last asked (else since the start)."
    ]
    memory_bytes: Annotated[int | None, "Resident memory of all processes of the run."]
    processes: Annotated[int, "How many processes of the run are alive."]
    survivors: Annotated[list[int], "Pids of the run that are alive although its leader has ended."]
    runs: Annotated[int, "How many runs are kept."]
    tty: Annotated[bool, "True when the run has a terminal."]
    captured: Annotated[bool, "True when persistproc did not start it: its output comes through persistproc capture."]
    waiting_for_input: Annotated[
        str | None, "What the run printed last, without a newline, when it is blocked reading its input or terminal."
    ]
    restart: Annotated[RestartPolicy, "Whether a run that ends by itself is started again."]
    restarts: Annotated[int, "How many such restarts in a row led to this run; a minute of running ends the row."]
    restart_at: Annotated[str | None, "When it is started again (restarting only)."]
    autostart: Annotated[bool, "True when it comes back after the machine was started again."]
    ttl_seconds: Annotated[float | None, "It is stopped when it has run so long."]
    idle_timeout_seconds: Annotated[float | None, "It is stopped when nobody has used it for so long."]
    expires_at: Annotated[str | None, "When ttl_seconds or, unless it is used, idle_timeout_seconds stops it."]
    last_used_at: Annotated[
        str | None,
        "When somebody last read its output, typed into it or was connected to its port, as far as was seen.",
    ]
    stale: Annotated[str | None, "Why it looks left behind (list_processes with stale, get_process_status; else null)."]


class Difference(TypedDict, total=False):
    """One way in which what was asked differs from what runs. Values of variables are never told, but for PORT."""

    what: Required[
        Annotated[
            Literal[
                "name",
                "command",
                "working_directory",
                "environment",
                "port",
                "restart",
                "autostart",
                "ttl_seconds",
                "idle_timeout_seconds",
            ],
            "What differs.",
        ]
    ]
    asked: Annotated[str, "What was asked for."]
    running: Annotated[str, "What runs."]
    added: Annotated[list[str], "Names of variables that only the request has."]
    removed: Annotated[list[str], "Names of variables that only the run has."]
    changed: Annotated[list[str], "Names of variables with another value."]


class Survivor(TypedDict):
    """A process that could not be ended."""

    pid: int
    state: Annotated[str, "The kernel's state letter: D is an uninterruptible sleep."]
    command: str


class OutputLine(TypedDict, total=False):
    """One line of output, or, with format raw, one piece of a stream as it was written."""

    stream: Required[Annotated[Stream, "Where it was written."]]
    text: Annotated[str, "The line without its ending (plain, ansi), or the piece byte for byte (raw)."]
    base64: Annotated[str, "Instead of text: a raw piece that is not valid UTF-8."]
    partial: Annotated[bool, "True when the line has no ending (a prompt, progress): what comes next continues it."]
    overwrites: Annotated[bool, "True for what does not continue a partial line but takes its place (progress)."]
    time: Annotated[str, "When it was written, to about 50 ms: RFC 3339, UTC (timestamps only)."]
    run: Annotated[int, "The run that wrote it (where the reply is about several)."]
    repeated: Annotated[int, "How many identical neighbouring lines this one stands for, when there are several."]
    cut_bytes: Annotated[int, "How many bytes were left out in the middle of a line that is too long."]
    context: Annotated[bool, "True for a line that does not match grep itself but is near one that does."]


class Event(TypedDict, total=False):
    """Something that happened to a process. Which of the optional fields are there depends on the type."""

    sequence: Required[Annotated[int, "Grows with each event, also over restarts of the daemon."]]
    time: Required[Annotated[str, "RFC 3339, UTC, milliseconds."]]
    type: Required[Annotated[EventType, "A client ignores types that it does not know."]]
    name: Required[str]
    project: Required[str]
    project_directory: Required[str]
    run: Required[int]
    run_id: Required[str]
    state: Required[Annotated[State, "State of the run after the event."]]
    pid: Required[int | None]
    by: Annotated[ClientInfo, "Who asked for it, when somebody did."]
    reason: Annotated[str, "Why, in words."]
    exit_code: Annotated[int | None, "Of the ended run."]
    signal: Annotated[str | None, "Of the ended run."]
    previous_run: Annotated[int, "restarted: the number of the run that it replaces."]
    port: Annotated[int, "port_opened, port_closed."]
    address: Annotated[str, "port_opened, port_closed."]
    text: Annotated[str, "waiting_for_input: what was printed last."]
    bytes: Annotated[int, "output_deleted: how much old output was deleted."]


# --- parameters ---------------------------------------------------------------------------------------------------


class Options(TypedDict, total=False):
    """What persistproc does with a process by itself."""

    restart: Annotated[
        RestartPolicy,
        "Start it again when a run ends by itself: never (the default), on-failure (unless with exit code 0), always. "
        "After a growing pause; five in a row that last less than a minute are the last.",
    ]
    autostart: Annotated[bool, "Start it again after the machine was started again, unless somebody had stopped it."]
    ttl_seconds: Annotated[float, "Stop it when it has run so long; 0: never.", Allowed(0, 10**8)]
    idle_timeout_seconds: Annotated[
        float,
        "Stop it when nobody has read its output, typed into it or been connected to its port for so long; 0: never.",
        Allowed(0, 10**8),
    ]


class CallerParams(TypedDict, total=False):
    """Who calls, and from where."""

    working_directory: Annotated[
        str, "Absolute path of the caller's directory: names are looked up in its project first.", Allowed(1, 4096)
    ]
    client: Annotated[ClientInfo, "On whose behalf; kept with what it starts or ends."]


class TargetParams(CallerParams, total=False):
    """A process is named by its name, project/name, pid, or command."""

    process: Required[Annotated[str | int, "Name, project/name, pid, or the command.", Allowed(1, 2**31)]]


class ActParams(TargetParams, total=False):
    """What changes a process may say why."""

    reason: Annotated[str, "Why, in words; shown to everybody.", Allowed(0, 500)]
    force: Annotated[bool, "Also when somebody else protected the process; that needs a reason."]


class StopOptions(TypedDict, total=False):
    """How a run is ended.

    With ``force`` its processes get SIGKILL at once, unless signal or grace_seconds is given as well.
    """

    signal: Annotated[
        str, "The first signal: SIGTERM unless said otherwise; INT and 2 are accepted as well.", Allowed(1, 20)
    ]
    grace_seconds: Annotated[float, "How long until SIGKILL; 10 unless said otherwise.", Allowed(0, 3600)]


class StartProcessParams(CallerParams, Options, total=False):
    """Start a process, or join the one that already runs."""

    command: Required[
        Annotated[
            str | list[str],
            "A list is executed as it is. A text without shell syntax is split and executed; with shell syntax it runs "
            "under /bin/sh -c.",
            Allowed(1, 131072),
        ]
    ]
    name: Annotated[str, "Unique in the project; made from the command when not given.", Allowed(1, 64)]
    environment: Annotated[dict[str, str], "Variables to set. Values are kept in memory only."]
    inherit_environment: Annotated[
        bool, "True (the default): on top of the daemon's environment. False: environment is the whole one."
    ]
    umask: Annotated[int, "File mode creation mask; the daemon's when not given.", Allowed(0, 0o777)]
    resource_limits: Annotated[
        dict[str, list[int]], "[soft, hard] by lower-case name (nofile, core, as); -1 is unlimited."
    ]
    ignored_signals: Annotated[list[str], "Signals that are ignored in the child, as with nohup.", Allowed(0, 64)]
    replace: Annotated[bool, "When the name runs another command: stop it and start this one."]
    fresh: Annotated[bool, "When it already runs: restart it, with what is given here."]
    protected: Annotated[bool, "Protect it: what others do to it then needs force and a reason. Kept over restarts."]
    force: Annotated[bool, "replace, fresh: also when somebody else protected the process; that needs a reason."]
    tty: Annotated[bool, "Give it a terminal: colours, line buffering, full-screen programs."]
    rows: Annotated[int, "Height of the terminal; 24 unless said otherwise.", Allowed(1, 1000)]
    columns: Annotated[int, "Width of the terminal; 80 unless said otherwise.", Allowed(1, 1000)]
    keep_bytes: Annotated[int, "How much of each stream is kept; else as configured.", Allowed(1, 2**50)]
    keep_runs: Annotated[int, "How many runs of the process are kept; else as configured.", Allowed(1, 1000)]
    reason: Annotated[str, "Why, in words; shown to everybody.", Allowed(0, 500)]


class StopProcessParams(ActParams, StopOptions, total=False):
    """Stop a process: signal, wait, SIGKILL, until nothing of the run is left."""

    leave_escaped: Annotated[bool, "Spare processes that left the session (a browser, a helper of their own)."]


class RestartProcessParams(ActParams, StopOptions, total=False):
    """Start a new run with the same command, directory, environment and name, after the old one is gone."""

    environment: Annotated[
        dict[str, str], "Used instead when nobody knows the old environment any more; the reply says so."
    ]


class ProtectProcessParams(ActParams, total=False):
    """Protect a process: what others do to it (stop, restart, signal, input, removal) then needs force and a reason.

    Its owner is whoever protected it, told apart by the client's name.
    """

    protected: Annotated[bool, "False: protect it no longer. True unless said otherwise."]


class ConfigureProcessParams(ActParams, Options, total=False):
    """Change what persistproc does with a process by itself; what is not given stays as it is."""


class ListProcessesParams(CallerParams, total=False):
    """Processes of the caller's project, live and ended."""

    all_projects: Annotated[bool, "Those of every project; always so when working_directory is not given."]
    running: Annotated[bool, "Only live ones."]
    stale: Annotated[bool, "Only live ones that look left behind; the field stale of each tells why."]
    unused_for: Annotated[str, "stale: an age (30m, 2d); 1h unless said otherwise.", Allowed(1, 64)]


class GetProcessStatusParams(TargetParams, total=False):
    """One process, in full."""

    environment: Annotated[
        dict[str, str], "The caller's environment: the reply tells the names of variables that differ from the run's."
    ]


class GetProcessOutputParams(TargetParams, total=False):
    """Read what a process printed.

    run, since, before, stream, grep and new_in_run select lines; of these the last ones are returned (lines), the first
    ones (head), or those after a place (cursor).
    """

    stream: Annotated[View, "combined unless said otherwise."]
    lines: Annotated[int, "How many of the last lines; 100 unless said otherwise.", Allowed(0, MAX_OUTPUT_LINES)]
    head: Annotated[int, "How many of the first lines, instead of the last ones.", Allowed(0, MAX_OUTPUT_LINES)]
    since: Annotated[
        str,
        "Not before: a time (RFC 3339), an age (10s, 5m, 2h, 1d), mark:NAME, or a cursor. Without run, of all runs.",
        Allowed(1, 200),
    ]
    before: Annotated[str, "Not after: the same. start of a reply gives what came before it.", Allowed(1, 200)]
    cursor: Annotated[str, "From an earlier reply: what is new since. start: the run's first byte.", Allowed(1, 200)]
    run: Annotated[
        str | int,
        "current (the default), previous, a number, or all.",
        Allowed(1, 2**31),
    ]
    grep: Annotated[str, "Only lines that match this regular expression.", Allowed(1, 1000)]
    ignore_case: Annotated[bool, "grep: upper and lower case are the same."]
    invert: Annotated[bool, "grep: only lines that do not match."]
    context: Annotated[int, "grep: also so many lines before and after.", Allowed(0, MAX_CONTEXT_LINES)]
    context_before: Annotated[int, "grep: also so many lines before.", Allowed(0, MAX_CONTEXT_LINES)]
    context_after: Annotated[int, "grep: also so many lines after.", Allowed(0, MAX_CONTEXT_LINES)]
    new_in_run: Annotated[
        bool, "Only lines that the run before did not print, numbers, times, addresses and paths apart."
    ]
    max_bytes: Annotated[int, "Most bytes to return; 32768 unless said otherwise.", Allowed(1, MAX_OUTPUT_BYTES)]
    format: Annotated[
        Format,
        "plain (the default): text without control sequences, identical neighbouring lines folded. ansi: colours are "
        "kept. raw: the bytes as they were written.",
    ]
    timestamps: Annotated[bool, "Tell when each line was written."]
    mark: Annotated[str, "Set a mark of this name at the end of what is returned.", Allowed(1, 64)]
    wait_seconds: Annotated[
        float,
        "With a cursor: when nothing is new, wait this long for output or the run's end.",
        Allowed(0, MAX_POLL_SECONDS),
    ]
    idle_seconds: Annotated[
        float,
        "First wait until nothing was printed for so long (or the run ended), at most wait_seconds (30).",
        Allowed(0, MAX_POLL_SECONDS),
    ]


class FollowProcessOutputParams(CallerParams, total=False):
    """Receive what processes print, as process_output notifications, over all their runs."""

    processes: Annotated[
        list[str | int],
        "Names, project/names or pids. Without it: all processes of the project, also those that are started later.",
        Allowed(1, MAX_FOLLOWED),
    ]
    all_projects: Annotated[bool, "Without processes: those of every project."]
    lines: Annotated[
        int, "How many of each one's last lines come first; 0 unless said otherwise.", Allowed(0, MAX_OUTPUT_LINES)
    ]
    cursors: Annotated[
        dict[str, str], "Where to begin instead, by what processes has; start: the current run's first byte."
    ]
    after: Annotated[
        int,
        "Events after this sequence number are told as well, and a process without a cursor that was started after it "
        "is followed from that run's first byte: to go on with a subscription that was lost.",
        Allowed(0, 2**53),
    ]
    stream: Annotated[View, "combined unless said otherwise."]
    format: Annotated[Format, "As in get_process_output, but nothing is folded."]
    timestamps: Annotated[bool, "Tell when each line was written."]


class WatchProcessesParams(CallerParams, total=False):
    """Receive what happens to processes, as process_event notifications."""

    processes: Annotated[
        list[str | int], "Names, project/names or pids; without it: all of the project.", Allowed(1, MAX_FOLLOWED)
    ]
    all_projects: Annotated[bool, "Those of every project; always so when working_directory is not given."]
    types: Annotated[list[EventType], "Only these.", Allowed(1, 50)]
    after: Annotated[int, "Begin with the event after this sequence number; else with the next.", Allowed(0, 2**53)]


class CancelSubscriptionParams(TypedDict, total=False):
    """End a subscription of this connection."""

    subscription: Required[Annotated[str, "As the reply named it.", Allowed(1, 64)]]


class GetNewsParams(CallerParams, total=False):
    """What others did to the project's processes, and what happened to them, since this client last asked.

    A client is told apart by its name, pid and session. What it did itself is not news to it. The first time there is
    none; the daemon remembers up to where each client was told, for as long as the daemon lives.
    """

    all_projects: Annotated[bool, "Those of every project; always so when working_directory is not given."]
    limit: Annotated[int, "At most so many of the newest events; 10 unless said otherwise.", Allowed(1, 100)]


class SetMarkParams(CallerParams, total=False):
    """Name the present end of all logs of a project."""

    name: Required[Annotated[str, "Letters, digits, . _ and -; an older mark of the name is replaced.", Allowed(1, 64)]]


class WaitForProcessParams(TargetParams, total=False):
    """Wait until one of the conditions is true. Without any: until the run ends.

    It is about the run that is the newest when the wait begins. A run that asks for input meanwhile, and so cannot get
    there by itself, fails the wait at once: ``data.waiting_for_input`` of the error is what it asked.
    """

    exit: Annotated[bool, "Until the run ends."]
    state: Annotated[State, "Until the run is in this state."]
    output: Annotated[
        str, "Until a line of the run's output matches this regular expression, also an earlier line.", Allowed(1, 1000)
    ]
    since: Annotated[
        str, "output: only lines after this time, age (10s, 5m), mark:NAME or cursor count.", Allowed(1, 200)
    ]
    port: Annotated[int, "Until a process of the run listens on this TCP port.", Allowed(1, 65535)]
    any_port: Annotated[bool, "Until a process of the run listens on any TCP port."]
    url: Annotated[str, "Until this http or https URL answers with a status below 500.", Allowed(1, 2000)]
    idle_seconds: Annotated[float, "Until nothing has been printed for so long.", Allowed(0, MAX_WAIT_SECONDS)]
    timeout_seconds: Annotated[
        float, "Give up after this long; 60 unless said otherwise.", Allowed(0, MAX_WAIT_SECONDS)
    ]


class SendProcessInputParams(ActParams, total=False):
    """Write to the standard input or terminal of a run."""

    input: Annotated[str, "The text.", Allowed(0, 65536)]
    base64: Annotated[str, "Instead of input: bytes, in base64; no newline is added.", Allowed(0, 65536)]
    newline: Annotated[bool, "Add a newline, to a terminal the Enter key; true unless said otherwise."]


class ResizeTerminalParams(TargetParams, total=False):
    """Tell a run the size of its terminal."""

    rows: Required[Annotated[int, "Height.", Allowed(1, 1000)]]
    columns: Required[Annotated[int, "Width.", Allowed(1, 1000)]]


class CaptureProcessParams(CallerParams, total=False):
    """Put the output of a program that persistproc did not start into the hub."""

    name: Required[Annotated[str, "Unique in the project.", Allowed(1, 64)]]


class PruneProcessesParams(CallerParams, total=False):
    """Forget ended processes and delete their output."""

    all_projects: Annotated[bool, "Those of every project; always so when working_directory is not given."]
    older_than: Annotated[str, "Only what ended before this age (12h, 7d) or time.", Allowed(1, 64)]
    keep_runs: Annotated[
        int,
        "Keep so many runs of each (0). When it is given, older runs of live processes go as well.",
        Allowed(0, 1000),
    ]
    stale: Annotated[bool, "Also stop and forget live ones that look left behind; protected ones stay."]
    unused_for: Annotated[str, "stale: an age (30m, 2d); 1h unless said otherwise.", Allowed(1, 64)]
    dry_run: Annotated[bool, "Only tell what would be removed."]


class SignalProcessParams(ActParams, total=False):
    """Send a signal to a run."""

    signal: Required[Annotated[str, "SIGHUP, HUP or 1.", Allowed(1, 20)]]
    to: Annotated[Literal["group", "leader"], "The whole process group (the default) or its leader alone."]


class ShutdownDaemonParams(TypedDict, total=False):
    """End the daemon."""

    stop_processes: Annotated[bool, "Stop all processes first. False (the default): they go on without it."]
    grace_seconds: Annotated[float, "For each process, until SIGKILL; 10 unless said otherwise.", Allowed(0, 3600)]
    client: Annotated[ClientInfo, "On whose behalf."]


class ReplaceDaemonParams(TypedDict, total=False):
    """Replace the daemon by another one, of this or another version; processes and their output go on.

    The old one starts the new one and hands over its lock and its socket once the code of the new one is loaded. When
    the new one does not come to serve, the old one goes on.
    """

    program: Annotated[
        list[str],
        "How the new one is started: the interpreter and its arguments, up to -m persistproc_core.daemon. The old "
        "one's unless said otherwise.",
        Allowed(1, 64),
    ]
    environment: Annotated[dict[str, str], "Its whole environment; the old one's unless said otherwise."]


class NoParams(TypedDict):
    """Takes no parameters."""


# --- results ------------------------------------------------------------------------------------------------------


class Hello(TypedDict):
    """The first line that the daemon sends on a connection, as a notification."""

    protocol: Annotated[int, "The newest protocol version that the daemon speaks."]
    oldest_protocol: Annotated[int, "The oldest one: clients of any version between are served."]
    version: Annotated[str, "The daemon's version."]
    pid: Annotated[int, "The daemon's process id."]
    instance: Annotated[str, "Names this life of the daemon; another one after each restart."]


class StartReply(ProcessInfo):
    """The process that runs now."""

    already_running: Annotated[bool, "True when it ran before and nothing was started."]
    differences: Annotated[list[Difference], "What was asked but runs otherwise (already_running only)."]


class StopReply(ProcessInfo):
    """The process after the stop; nothing of the run is left."""

    already_stopped: Annotated[bool, "True when there was nothing to stop."]
    ended_by: Annotated[str | None, "The last signal that was needed: SIGTERM, SIGKILL."]
    stopped_pids: Annotated[list[int], "All processes that were there at the stop and are gone."]


class RestartReply(ProcessInfo):
    """The process with its new run."""

    previous_run: Annotated[int, "Number of the run before."]
    environment_from: Annotated[
        Literal["run", "caller", "daemon"], "Whose environment the new run has; run: the same as before."
    ]
    differences: Annotated[list[Difference], "How the new environment differs where it is not the same."]


class ListReply(TypedDict):
    """Processes, by project and name."""

    processes: list[ProcessInfo]


class RunInfo(TypedDict):
    """One run of a process."""

    run: int
    run_id: str
    state: State
    pid: int | None
    command: str
    started_at: str
    ended_at: str | None
    exit_code: int | None
    signal: str | None
    reason: str | None
    started_by: ClientInfo
    start_reason: str | None
    replaced_run: int | None
    stopped_by: ClientInfo | None
    stop_reason: str | None


class StatusReply(ProcessInfo):
    """A process with its history."""

    history: Annotated[list[RunInfo], "Kept runs, newest first."]
    environment_names: Annotated[list[str], "Names of the run's variables; values are never told."]
    log_directory: Annotated[str, "The folder with the newest run's output."]
    differences: Annotated[list[Difference], "How the given environment differs from the run's."]


class OutputReply(TypedDict):
    """A piece of a process's output."""

    name: str
    project: str
    project_directory: str
    run: Annotated[int, "The newest run that the reply is about."]
    run_id: str
    newest_run: Annotated[int, "The number of the process's newest run."]
    state: Annotated[State, "Of the run; so are all facts up to waiting_for_input."]
    started_at: str
    ended_at: str | None
    exit_code: int | None
    signal: str | None
    reason: str | None
    stopped_by: ClientInfo | None
    stop_reason: str | None
    waiting_for_input: Annotated[
        str | None,
        "What the run asks: its open last line, when it is blocked reading. Not looked for behind a whole line.",
    ]
    lines: Annotated[list[OutputLine], "Oldest first."]
    start: Annotated[str, "The place before the first line: ask with before for what came earlier."]
    cursor: Annotated[str, "Ask with it for what comes next."]
    more: Annotated[bool, "True when there is more after the cursor already."]
    omitted_lines: Annotated[
        int | None,
        "Selected lines that are not here: before start, or with head and cursor after the cursor. null: not counted, "
        "for that would mean reading too much.",
    ]
    omitted_bytes: Annotated[int, "How much of the log lies there."]
    ended: Annotated[
        bool, "True when the run has ended and all of it was returned; what its survivors write may still follow."
    ]
    idle: Annotated[bool | None, "With idle_seconds: true when nothing was printed for so long, or the run ended."]
    lossy: Annotated[bool, "True when bytes that are not UTF-8 were replaced in the text."]
    missed_bytes: Annotated[int, "Bytes after the cursor, or since, that retention had already deleted."]
    incomplete: Annotated[
        bool,
        "True when new_in_run could not compare with all of the run before: lines that are not new may be here.",
    ]


class FollowedProcess(TypedDict):
    """A process that a subscription follows, and where it begins."""

    name: str
    project: str
    project_directory: str
    run: int
    cursor: str
    after: Annotated[int, "Its events after this sequence number are told."]


class FollowReply(TypedDict):
    """The subscription; what it brings comes as process_output and process_event notifications."""

    subscription: str
    sequence: Annotated[int, "Of the newest event so far."]
    processes: Annotated[list[FollowedProcess], "Those that were named, in that order; else all there are now."]


class WatchReply(TypedDict):
    """The subscription; what it brings comes as process_event notifications."""

    subscription: str
    sequence: Annotated[int, "Of the newest event so far."]
    missed: Annotated[bool, "True when events after the given sequence number are no longer kept."]


class NewsReply(TypedDict):
    """What is new to the client."""

    events: Annotated[
        list[Event],
        "Oldest first: restarted, stopped, exited, failed, lost, given_up, removed, waiting_for_input, protected, "
        "unprotected, configured, and started.",
    ]
    omitted: Annotated[int, "How many older ones are not here."]
    sequence: Annotated[int, "Of the newest event so far."]


class CancelReply(TypedDict):
    """The subscription that has ended."""

    subscription: str


class MarkInfo(TypedDict):
    """A mark: a named place in all logs of a project."""

    name: str
    project: str
    time: Annotated[str, "When it was set."]


class MarksReply(TypedDict):
    """The marks of a project, oldest first."""

    marks: list[MarkInfo]


class StreamLog(TypedDict):
    """The log of one stream."""

    stream: Stream
    bytes: Annotated[int, "Written so far, in all."]
    paths: Annotated[list[str], "Its segments, oldest first; each is named by the offset of its first byte."]


class LogPathsReply(TypedDict):
    """Where a run's output lies; plain bytes, readable with cat."""

    name: str
    project: str
    run: int
    directory: str
    streams: list[StreamLog]


class WaitReply(ProcessInfo):
    """The process when the condition became true."""

    met: Annotated[
        Literal["exit", "state", "output", "port", "url", "idle"], "Which condition; port also for any_port."
    ]
    line: Annotated[str | None, "The line that matched."]
    status_code: Annotated[int | None, "What the URL answered with."]
    last_lines: Annotated[list[str], "The end of the output, when the condition was not a line of it."]
    elapsed_seconds: Annotated[float, "How long it took."]


class InputReply(TypedDict):
    """What was written to the standard input."""

    name: str
    project: str
    run: int
    bytes: int


class CaptureReply(ProcessInfo):
    """The captured process. It ends when the process that asked for it ends."""

    path: Annotated[str, "The FIFO to write the output to; open it for reading and writing."]


class ReplaceReply(TypedDict):
    """The daemon that serves now; the one that answers ends."""

    pid: Annotated[int, "Of the new one."]
    version: Annotated[str, "Of the new one."]
    instance: Annotated[str, "Of the new one."]
    previous_pid: Annotated[int, "Of the one that answers."]
    previous_version: Annotated[str, "Of the one that answers."]


class PrunedProcess(TypedDict):
    """What was removed of one process."""

    name: str
    project: str
    runs: Annotated[int, "How many of its runs."]
    bytes: Annotated[int, "How much output."]
    stopped: Annotated[bool, "True when it was live and looked left behind (stale only)."]
    removed: Annotated[bool, "True when nothing of it is left."]


class PruneReply(TypedDict):
    """What was removed, or would be."""

    processes: list[PrunedProcess]
    bytes: Annotated[int, "In all."]


class RemoveReply(TypedDict):
    """What was removed."""

    name: str
    project: str
    runs: Annotated[int, "How many runs were removed, with their output."]


class DaemonStatus(TypedDict):
    """The daemon."""

    pid: int
    version: str
    protocol: int
    instance: str
    home: str
    socket: str
    started_at: str
    keeper_pid: Annotated[int | None, "The keeper: the parent of all processes."]
    processes: Annotated[int, "Known processes."]
    running: Annotated[int, "Live ones."]
    memory_bytes: Annotated[int, "Resident memory of the daemon."]
    keeper_memory_bytes: Annotated[int | None, "Resident memory of the keeper."]
    connections: Annotated[int, "Open connections."]
    output_bytes: Annotated[int, "Size of all kept output."]
    output_limit_bytes: Annotated[int, "The most that is kept in total."]
    config: Annotated[str, "The path of the configuration, whether it is there or not."]
    config_problems: Annotated[
        list[str], "What is wrong with it; such a value stays what it was before, or the default."
    ]


class ShutdownReply(TypedDict):
    """What the end of the daemon did to the processes, each as project/name."""

    pid: int
    stopped: list[str]
    left_running: list[str]


# --- notifications ------------------------------------------------------------------------------------------------


class ProcessOutput(TypedDict):
    """What a followed process printed."""

    subscription: str
    name: str
    project: str
    project_directory: str
    run: int
    lines: Annotated[list[OutputLine], "Oldest first."]
    cursor: Annotated[str, "Follow again with it to go on after these lines."]
    lossy: Annotated[bool, "True when bytes that are not UTF-8 were replaced in the text."]
    missed_bytes: Annotated[int, "Bytes before these lines that retention had already deleted."]


class ProcessEvent(TypedDict):
    """What happened to a process that is watched or followed."""

    subscription: str
    event: Event


class SubscriptionEnded(TypedDict):
    """A subscription ended by itself: everything that it named was removed."""

    subscription: str
    reason: str


class Notification(NamedTuple):
    """One notification of the daemon."""

    name: str
    summary: str
    params: type


NOTIFICATIONS: Final[dict[str, Notification]] = {
    notification.name: notification
    for notification in (
        Notification("hello", "The first line on every connection.", Hello),
        Notification("process_output", "A followed process printed something.", ProcessOutput),
        Notification("process_event", "Something happened to a watched or followed process.", ProcessEvent),
        Notification("subscription_ended", "A subscription ended by itself.", SubscriptionEnded),
    )
}
"""Every notification, by name."""


# --- methods ------------------------------------------------------------------------------------------------------


class Method(NamedTuple):
    """One method of the protocol."""

    name: str
    summary: str
    params: type
    result: type
    errors: tuple[type[errors.PersistprocError], ...] = ()


_TARGET = (errors.ProcessNotFound, errors.AmbiguousProcess)

METHODS: Final[dict[str, Method]] = {
    method.name: method
    for method in (
        Method(
            "start_process",
            "Start a process, or join the one that already runs.",
            StartProcessParams,
            StartReply,
            (
                errors.NameTaken,
                errors.ProcessProtected,
                errors.StartFailed,
                errors.StopTimedOut,
                errors.StorageFailed,
                errors.KeeperUnavailable,
                errors.ShuttingDown,
            ),
        ),
        Method(
            "stop_process",
            "Stop a process and everything it started; answers when nothing is left.",
            StopProcessParams,
            StopReply,
            (*_TARGET, errors.ProcessProtected, errors.StopTimedOut),
        ),
        Method(
            "restart_process",
            "Start a new run of a process after its old one is gone; works on ended processes as well.",
            RestartProcessParams,
            RestartReply,
            (
                *_TARGET,
                errors.ProcessProtected,
                errors.NotRestartable,
                errors.StartFailed,
                errors.StopTimedOut,
                errors.StorageFailed,
                errors.KeeperUnavailable,
                errors.ShuttingDown,
            ),
        ),
        Method("list_processes", "List processes, live and ended.", ListProcessesParams, ListReply),
        Method("get_process_status", "Tell all about one process.", GetProcessStatusParams, StatusReply, _TARGET),
        Method("get_process_output", "Read what a process printed.", GetProcessOutputParams, OutputReply, _TARGET),
        Method(
            "follow_process_output",
            "Subscribe to what processes print, over all their runs.",
            FollowProcessOutputParams,
            FollowReply,
            (*_TARGET, errors.TooManySubscriptions),
        ),
        Method(
            "watch_processes",
            "Subscribe to what happens to processes.",
            WatchProcessesParams,
            WatchReply,
            (*_TARGET, errors.TooManySubscriptions),
        ),
        Method(
            "get_news",
            "Tell what others did to the processes, and what happened to them, since this client last asked.",
            GetNewsParams,
            NewsReply,
        ),
        Method("cancel_subscription", "End a subscription of this connection.", CancelSubscriptionParams, CancelReply),
        Method(
            "set_mark",
            "Name the present end of all logs of a project.",
            SetMarkParams,
            MarkInfo,
            (errors.StorageFailed,),
        ),
        Method("list_marks", "List the marks of a project.", CallerParams, MarksReply),
        Method("get_process_log_paths", "Tell where a run's output lies.", TargetParams, LogPathsReply, _TARGET),
        Method(
            "wait_for_process",
            "Wait until a run ends, prints a line, listens on a port, answers a URL or is quiet.",
            WaitForProcessParams,
            WaitReply,
            (*_TARGET, errors.WaitTimedOut, errors.WaitFailed),
        ),
        Method(
            "send_process_input",
            "Write to the standard input or terminal of a run.",
            SendProcessInputParams,
            InputReply,
            (*_TARGET, errors.ProcessProtected, errors.NotRunning, errors.InputNotRead),
        ),
        Method(
            "resize_terminal",
            "Tell a run the size of its terminal.",
            ResizeTerminalParams,
            ProcessInfo,
            (*_TARGET, errors.NotRunning, errors.NoTerminal, errors.KeeperUnavailable),
        ),
        Method(
            "capture_process",
            "Put the output of a program that persistproc did not start into the hub.",
            CaptureProcessParams,
            CaptureReply,
            (errors.NameTaken, errors.StorageFailed, errors.KeeperUnavailable, errors.ShuttingDown),
        ),
        Method(
            "signal_process",
            "Send a signal to a run.",
            SignalProcessParams,
            ProcessInfo,
            (*_TARGET, errors.ProcessProtected, errors.NotRunning),
        ),
        Method(
            "protect_process",
            "Protect a process from what others do to it, or no longer.",
            ProtectProcessParams,
            ProcessInfo,
            (*_TARGET, errors.ProcessProtected, errors.StorageFailed),
        ),
        Method(
            "configure_process",
            "Change what persistproc does with a process by itself: restart policy, autostart, ttl, idle timeout.",
            ConfigureProcessParams,
            ProcessInfo,
            (*_TARGET, errors.ProcessProtected, errors.StorageFailed),
        ),
        Method(
            "remove_process",
            "Forget an ended process and delete its output.",
            ActParams,
            RemoveReply,
            (*_TARGET, errors.ProcessProtected, errors.StillRunning, errors.StorageFailed),
        ),
        Method(
            "prune_processes",
            "Forget ended processes and delete their output.",
            PruneProcessesParams,
            PruneReply,
            (errors.StorageFailed, errors.StopTimedOut),
        ),
        Method("get_daemon_status", "Tell about the daemon.", NoParams, DaemonStatus),
        Method(
            "shutdown_daemon", "End the daemon, with or without the processes.", ShutdownDaemonParams, ShutdownReply
        ),
        Method(
            "replace_daemon",
            "Replace the daemon by a new one; processes, output and clients' subscriptions go on.",
            ReplaceDaemonParams,
            ReplaceReply,
            (errors.ReplaceFailed, errors.ShuttingDown),
        ),
        Method("rpc.discover", "The OpenRPC document of this interface.", NoParams, dict[str, Any]),
    )
}
"""Every method, by name."""


def method_named(name: str) -> Method:
    """The declaration of a method. Raises `MethodNotFound`, with the nearest name as the hint."""
    method = METHODS.get(name)
    if method is None:
        import difflib

        near = difflib.get_close_matches(name[:100], METHODS, 1)
        hint = f"did you mean {near[0]}?" if near else "rpc.discover lists the methods"
        raise errors.MethodNotFound(f"there is no method {name[:100]}", hint=hint)
    return method
