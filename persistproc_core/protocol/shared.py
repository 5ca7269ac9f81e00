"""What several methods have in common: a process, an event, a line of output, and their parts."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from typing_extensions import Required, TypedDict

__all__ = [
    "Allowed",
    "ClientInfo",
    "Difference",
    "Event",
    "EventType",
    "Format",
    "Listener",
    "OutputLine",
    "ProcessInfo",
    "Readiness",
    "RestartPolicy",
    "State",
    "Stream",
    "Survivor",
    "View",
]


class Allowed(NamedTuple):
    """The range of a parameter: of a number its value, of a text or list its length."""

    least: float | None = None
    most: float | None = None


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
    "unhealthy",
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
    url: Annotated[str | None, "Where a browser finds it, as far as can be told."]


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
    shell: Annotated[bool, "True when the command runs under a shell: /bin/sh -c, or the login shell."]
    working_directory: Annotated[str, "Absolute path."]
    started_at: Annotated[str, "When the run was asked for: RFC 3339, UTC, milliseconds."]
    ended_at: Annotated[str | None, "When the leader ended, the same way; the best known time where nobody saw it."]
    exit_code: Annotated[int | None, "0 to 255 when the leader exited by itself."]
    signal: Annotated[str | None, "Name of the signal that ended the leader: SIGTERM."]
    reason: Annotated[str | None, "In words, why the run is in this state."]
    ports: Annotated[list[Listener], "Ports that the run's processes listen on, by port."]
    url: Annotated[str | None, "Where a browser finds it: what it printed, else by its first port."]
    assigned_ports: Annotated[dict[str, int], "The ports that it was to have, by their names."]
    ready: Annotated[
        bool | None, "Whether it is ready: true, false (not yet, or no more), null (it was not asked to tell)."
    ]
    ready_at: Annotated[str | None, "When it became so."]
    ready_seconds: Annotated[float | None, "How long after its start."]
    ready_by: Annotated[str | None, "What it was known by, in words: listens on port 3000."]
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
    adopted: Annotated[bool, "True when it was started outside of persistproc and taken into the list."]
    defined: Annotated[bool, "True when it was started from its project's file."]
    tags: Annotated[list[str], "The groups that it is in."]
    watch: Annotated[list[str], "The patterns of the files whose change restarts it."]
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
                "ports",
                "ready",
                "liveness",
                "watch",
                "stop",
                "tags",
                "tty",
            ],
            "What differs.",
        ]
    ]
    asked: Annotated[str, "What was asked for."]
    running: Annotated[str, "What runs."]
    added: Annotated[list[str], "Names of variables that only the request has."]
    removed: Annotated[list[str], "Names of variables that only the run has."]
    changed: Annotated[list[str], "Names of variables with another value."]


class Readiness(TypedDict):
    """What a start that waits has seen."""

    outcome: Annotated[
        Literal["ready", "exited", "failed", "input", "timed_out"],
        "ready; exited: nobody said when it is ready, and it ended with exit code 0; failed: it ended otherwise; "
        "input: it asks for input; timed_out: nothing was seen in time, and it goes on.",
    ]
    by: Annotated[
        Literal["output", "port", "url", "command", "completed", "quiet"] | None,
        "ready: what was seen. quiet: it printed something and then nothing for some seconds.",
    ]
    line: Annotated[str | None, "The line that matched, or that has the URL."]
    port: Annotated[int | None, "The port that it listens on."]
    url: Annotated[str | None, "The URL that answered, or that it printed."]
    status_code: Annotated[int | None, "What the URL answered with."]
    words: Annotated[str, "The same in words: listens on port 3000."]
    hint: Annotated[str | None, "What can be done when it is not ready; who holds the port that it could not have."]
    error_lines: Annotated[list[str], "When it is not ready: the error in its output, else the end of it."]
    elapsed_seconds: Annotated[float, "How long it took, from its start."]


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
    ready_seconds: Annotated[float, "ready: how long after its start."]
    ready_by: Annotated[str, "ready: what it was known by, in words."]
    port: Annotated[int, "port_opened, port_closed."]
    address: Annotated[str, "port_opened, port_closed."]
    text: Annotated[str, "waiting_for_input: what was printed last."]
    bytes: Annotated[int, "output_deleted: how much old output was deleted."]
