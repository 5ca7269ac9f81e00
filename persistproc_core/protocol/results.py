"""What each method answers."""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import TypedDict

from .shared import ClientInfo, Difference, Event, OutputLine, ProcessInfo, Readiness, State, Stream

__all__ = [
    "CancelReply",
    "CaptureReply",
    "DaemonStatus",
    "FollowReply",
    "FollowedProcess",
    "Hello",
    "InputReply",
    "ListReply",
    "LogPathsReply",
    "MarkInfo",
    "MarksReply",
    "NewsReply",
    "OutputReply",
    "PruneReply",
    "PrunedProcess",
    "RemoveReply",
    "ReplaceReply",
    "RestartReply",
    "RunInfo",
    "ShutdownReply",
    "StartReply",
    "StatusReply",
    "StopReply",
    "StreamLog",
    "WaitReply",
    "WatchReply",
]


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
    readiness: Annotated[Readiness | None, "wait: what was seen; else null."]


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
    readiness: Annotated[Readiness | None, "wait: what was seen; else null."]


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
        Literal["exit", "state", "output", "port", "url", "idle", "ready"], "Which condition; port also for any_port."
    ]
    line: Annotated[str | None, "The line that matched."]
    status_code: Annotated[int | None, "What the URL answered with."]
    last_lines: Annotated[list[str], "The end of the output, when the condition was not a line of it."]
    readiness: Annotated[Readiness | None, "ready: what was seen; else null."]
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
