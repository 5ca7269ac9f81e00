"""Every method: its parameters, its result and the errors that it raises."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from .. import errors
from .parameters import (
    ActParams,
    CallerParams,
    CancelSubscriptionParams,
    CaptureProcessParams,
    ConfigureProcessParams,
    FollowProcessOutputParams,
    GetNewsParams,
    GetProcessOutputParams,
    GetProcessStatusParams,
    ListProcessesParams,
    NoParams,
    ProtectProcessParams,
    PruneProcessesParams,
    ReplaceDaemonParams,
    ResizeTerminalParams,
    RestartProcessParams,
    SendProcessInputParams,
    SetMarkParams,
    ShutdownDaemonParams,
    SignalProcessParams,
    StartProcessParams,
    StopProcessParams,
    TargetParams,
    WaitForProcessParams,
    WatchProcessesParams,
)
from .projects import (
    AdoptProcessParams,
    GetPortParams,
    GetProjectParams,
    PortReply,
    ProjectReply,
    StartProjectParams,
    StartProjectReply,
    StopProjectParams,
    StopProjectReply,
)
from .results import (
    CancelReply,
    CaptureReply,
    DaemonStatus,
    FollowReply,
    InputReply,
    ListReply,
    LogPathsReply,
    MarkInfo,
    MarksReply,
    NewsReply,
    OutputReply,
    PruneReply,
    RemoveReply,
    ReplaceReply,
    RestartReply,
    ShutdownReply,
    StartReply,
    StatusReply,
    StopReply,
    WaitReply,
    WatchReply,
)
from .shared import ProcessInfo

__all__ = [
    "METHODS",
    "Method",
    "method_named",
]


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
                errors.PortTaken,
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
                errors.PortTaken,
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
        Method(
            "get_project",
            "Tell what the project's file says, and what of it runs.",
            GetProjectParams,
            ProjectReply,
            (
                errors.ProjectNotFound,
                errors.ProjectInvalid,
                errors.ProcessNotFound,
                errors.PortTaken,
                errors.StorageFailed,
            ),
        ),
        Method(
            "start_project",
            "Bring the processes of the project's file up, in the order of their dependencies.",
            StartProjectParams,
            StartProjectReply,
            (
                errors.ProjectNotFound,
                errors.ProjectInvalid,
                errors.ProjectNotApproved,
                errors.ProcessNotFound,
                errors.PortTaken,
                errors.ShuttingDown,
                errors.StorageFailed,
            ),
        ),
        Method(
            "stop_project",
            "Stop the project's processes, each after those that need it.",
            StopProjectParams,
            StopProjectReply,
            (errors.ProjectNotFound, errors.ProjectInvalid, errors.ProcessNotFound),
        ),
        Method("get_port", "Tell who listens on a TCP port, and whose it is.", GetPortParams, PortReply),
        Method(
            "adopt_process",
            "Take a server that was started outside of persistproc into the list.",
            AdoptProcessParams,
            ProcessInfo,
            (errors.NotAdoptable, errors.NameTaken, errors.StorageFailed, errors.ShuttingDown),
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
