"""What each method takes."""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import Required, TypedDict

from .definitions import CommandText, Definition, Options
from .limits import (
    MAX_CONTEXT_LINES,
    MAX_FOLLOWED,
    MAX_OUTPUT_BYTES,
    MAX_OUTPUT_LINES,
    MAX_POLL_SECONDS,
    MAX_WAIT_SECONDS,
)
from .shared import Allowed, ClientInfo, EventType, Format, State, View

__all__ = [
    "ActParams",
    "AwaitOptions",
    "CallerParams",
    "CancelSubscriptionParams",
    "CaptureProcessParams",
    "ConfigureProcessParams",
    "FollowProcessOutputParams",
    "GetNewsParams",
    "GetProcessOutputParams",
    "GetProcessStatusParams",
    "ListProcessesParams",
    "NoParams",
    "ProtectProcessParams",
    "PruneProcessesParams",
    "ReplaceDaemonParams",
    "ResizeTerminalParams",
    "RestartProcessParams",
    "SendProcessInputParams",
    "SetMarkParams",
    "ShutdownDaemonParams",
    "SignalProcessParams",
    "StartProcessParams",
    "StopOptions",
    "StopProcessParams",
    "TargetParams",
    "WaitForProcessParams",
    "WatchProcessesParams",
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
        str,
        "The first signal (SIGTERM, INT, 2); else its own stop_signal.",
        Allowed(1, 20),
    ]
    grace_seconds: Annotated[float, "How long until SIGKILL; else its own stop_grace_seconds.", Allowed(0, 3600)]


class AwaitOptions(TypedDict, total=False):
    """Whether the answer waits for what comes of a start."""

    wait: Annotated[
        bool,
        "Answer when it is ready as ready says, or else when it listens on a port, has printed a URL, or is quiet "
        "after its first output; or when it is known why not. The reply tells what was seen (readiness).",
    ]
    timeout_seconds: Annotated[
        float,
        "wait: give up after so long; else as ready says (at most 120), else 30.",
        Allowed(0, MAX_WAIT_SECONDS),
    ]


class StartProcessParams(CallerParams, Definition, AwaitOptions, total=False):
    """Start a process, or join the one that already runs."""

    command: Required[CommandText]
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
    rows: Annotated[int, "Height of the terminal; 24 unless said otherwise.", Allowed(1, 1000)]
    columns: Annotated[int, "Width of the terminal; 80 unless said otherwise.", Allowed(1, 1000)]
    reason: Annotated[str, "Why, in words; shown to everybody.", Allowed(0, 500)]


class StopProcessParams(ActParams, StopOptions, total=False):
    """Stop a process: signal, wait, SIGKILL, until nothing of the run is left."""

    leave_escaped: Annotated[bool, "Spare processes that left the session (a browser, a helper of their own)."]


class RestartProcessParams(ActParams, StopOptions, AwaitOptions, total=False):
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
    ready: Annotated[
        bool, "Until the run is ready: as it was started to be, else at the first sign of it (see start_process, wait)."
    ]
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
        float,
        "Give up after this long; 60 unless said otherwise, with ready as in start_process.",
        Allowed(0, MAX_WAIT_SECONDS),
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
