"""Every error that crosses the socket, with a stable string code, to and from the wire.

On the wire an error is a JSON-RPC 2.0 error object: ``code`` is the number below, ``message`` one sentence,
and ``data`` holds ``error`` (the stable string code), ``hint`` (what to do next) and the facts of the case.
A program tells errors apart by ``data.error``; a person reads ``message`` and ``hint``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AmbiguousProcess",
    "DaemonUnavailable",
    "InputNotRead",
    "InternalError",
    "InvalidParams",
    "InvalidRequest",
    "KeeperUnavailable",
    "MethodNotFound",
    "NameTaken",
    "NoTerminal",
    "NotAdoptable",
    "NotRestartable",
    "NotRunning",
    "ParseError",
    "PersistprocError",
    "PortTaken",
    "ProcessNotFound",
    "ProcessProtected",
    "ProjectInvalid",
    "ProjectNotApproved",
    "ProjectNotFound",
    "ReplaceFailed",
    "ShuttingDown",
    "StartFailed",
    "StillRunning",
    "StopTimedOut",
    "StorageFailed",
    "TooManySubscriptions",
    "UnsafeHome",
    "VersionMismatch",
    "WaitFailed",
    "WaitTimedOut",
    "error_classes",
    "error_from_wire",
]


class PersistprocError(Exception):
    """Any failure that persistproc reports.

    ``code`` is the stable string, ``rpc_code`` the JSON-RPC number, ``exit_code`` what the command line ends with.
    ``hint`` says what to do next; ``data`` holds JSON values (candidates, errno, survivors, last lines).
    """

    code = "error"
    rpc_code = -32000
    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", data: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.data: dict[str, object] = dict(data or {})

    def __str__(self) -> str:
        return self.message

    def to_wire(self) -> dict[str, object]:
        """The JSON-RPC error object (JSON-RPC 2.0, section 5.1)."""
        data: dict[str, object] = {"error": self.code}
        if self.hint:
            data["hint"] = self.hint
        data.update(self.data)
        return {"code": self.rpc_code, "message": self.message, "data": data}


class ParseError(PersistprocError):
    """The bytes are not JSON (JSON-RPC 2.0, section 5.1)."""

    code = "parse_error"
    rpc_code = -32700


class InvalidRequest(PersistprocError):
    """JSON, but no request object; also a message over the size, depth or batch limit (section 5.1)."""

    code = "invalid_request"
    rpc_code = -32600


class MethodNotFound(PersistprocError):
    """No such method (section 5.1)."""

    code = "method_not_found"
    rpc_code = -32601


class InvalidParams(PersistprocError):
    """A parameter is missing, unknown, of the wrong type or out of its range; nothing was done (section 5.1)."""

    code = "invalid_params"
    rpc_code = -32602
    exit_code = 2


class InternalError(PersistprocError):
    """A defect of persistproc. The message carries only an id; the daemon's log has the rest (section 5.1)."""

    code = "internal_error"
    rpc_code = -32603
    exit_code = 70


class ProcessNotFound(PersistprocError):
    """Nothing has that name, pid or command (``data.process``). ``data.candidates`` lists the nearest."""

    code = "process_not_found"
    rpc_code = 1
    exit_code = 3


class AmbiguousProcess(PersistprocError):
    """Several processes fit. ``data.candidates`` lists them as ``project/name`` with their directories."""

    code = "ambiguous_process"
    rpc_code = 2
    exit_code = 3


class NameTaken(PersistprocError):
    """A process of that name runs another command in this project."""

    code = "name_taken"
    rpc_code = 3


class StartFailed(PersistprocError):
    """The command could not be executed; no run is left behind.

    ``data.errno`` is the symbolic name (``ENOENT``), ``data.path`` what was tried, ``data.search_path`` where.
    """

    code = "start_failed"
    rpc_code = 4

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """127: nothing was found; 126: it cannot be executed (POSIX shell, section 2.8.2); 1: it died at once."""
        errno = self.data.get("errno")
        return 1 if errno is None else 127 if errno == "ENOENT" else 126


class NotRunning(PersistprocError):
    """The process has no live run, and the method needs one."""

    code = "not_running"
    rpc_code = 5


class StillRunning(PersistprocError):
    """The process has a live run, and the method needs it ended."""

    code = "still_running"
    rpc_code = 6


class StopTimedOut(PersistprocError):
    """Processes survived SIGKILL for some seconds. ``data.survivors`` lists pid, state and command of each."""

    code = "stop_timed_out"
    rpc_code = 7


class WaitTimedOut(PersistprocError):
    """The time was up before the condition became true. ``data.last_lines`` shows the end of the output."""

    code = "wait_timed_out"
    rpc_code = 8
    exit_code = 124


class WaitFailed(PersistprocError):
    """The condition cannot become true: the process ended, or it asks for input (``data.waiting_for_input``).

    ``data.last_lines`` shows the end of its output.
    """

    code = "wait_failed"
    rpc_code = 9


class StorageFailed(PersistprocError):
    """The home could not be written (disk full, read-only). What ran goes on; nothing was changed."""

    code = "storage_failed"
    rpc_code = 10
    exit_code = 74


class ShuttingDown(PersistprocError):
    """The daemon, or the bridge, is about to end and starts nothing new.

    ``data.again``: another daemon takes its place. Nothing was done; connect again, and ask again.
    """

    code = "shutting_down"
    rpc_code = 11
    exit_code = 75


class InputNotRead(PersistprocError):
    """The process does not read its input, and its buffer is full. ``data.written`` tells how many bytes fit."""

    code = "input_not_read"
    rpc_code = 12


class NoTerminal(PersistprocError):
    """The run has no terminal; it was started without ``tty``."""

    code = "no_terminal"
    rpc_code = 13


class NotRestartable(PersistprocError):
    """persistproc did not start this process (it is captured), so it cannot start it again."""

    code = "not_restartable"
    rpc_code = 14


class TooManySubscriptions(PersistprocError):
    """The connection has as many subscriptions as it may have."""

    code = "too_many_subscriptions"
    rpc_code = 15


class ProcessProtected(PersistprocError):
    """Somebody else protected the process; nothing was done. ``data.protected_by`` tells who."""

    code = "process_protected"
    rpc_code = 16
    exit_code = 77


class ReplaceFailed(PersistprocError):
    """The new daemon did not come to serve; the old one goes on. ``data.output`` is what the new one said."""

    code = "replace_failed"
    rpc_code = 17


class KeeperUnavailable(PersistprocError):
    """The keeper, the parent of all processes, does not answer: it is stopped, or the machine is overloaded."""

    code = "keeper_unavailable"
    rpc_code = 18
    exit_code = 75


class PortTaken(PersistprocError):
    """A port that the process is to have is taken; nothing was started. ``data.port``, and ``data.holder``: who."""

    code = "port_taken"
    rpc_code = 19


class DaemonUnavailable(PersistprocError):
    """No daemon answers, and none could be (or was allowed to be) started."""

    code = "daemon_unavailable"
    rpc_code = 20
    exit_code = 69


class VersionMismatch(PersistprocError):
    """Client and daemon speak different protocol versions; the message names the one to upgrade."""

    code = "version_mismatch"
    rpc_code = 21
    exit_code = 76


class UnsafeHome(PersistprocError):
    """The home folder is a symlink, belongs to somebody else, or others may write to it."""

    code = "unsafe_home"
    rpc_code = 22
    exit_code = 78


class ProjectNotFound(PersistprocError):
    """The project has no file that says which processes belong to it."""

    code = "project_not_found"
    rpc_code = 23
    exit_code = 3


class ProjectInvalid(PersistprocError):
    """The project's file is wrong; nothing was done.

    ``data.file``, ``data.line``, and ``data.problems``: all that was found, each with line and text.
    """

    code = "project_invalid"
    rpc_code = 24
    exit_code = 78


class ProjectNotApproved(PersistprocError):
    """No person has allowed what the project's file says to run; nothing was done. ``data.digest`` names it."""

    code = "project_not_approved"
    rpc_code = 25
    exit_code = 77


class NotAdoptable(PersistprocError):
    """The process is not there, not ours to take, or in the list already."""

    code = "not_adoptable"
    rpc_code = 26


def error_classes() -> list[type[PersistprocError]]:
    """All errors that cross the socket, by number: the reference pages and the OpenRPC document are made from them."""
    ours = [cls for cls in PersistprocError.__subclasses__() if cls.__module__ == __name__]
    return sorted(ours, key=lambda cls: cls.rpc_code)


def error_from_wire(error: Mapping[str, object]) -> PersistprocError:
    """The typed error for a JSON-RPC error object; an unknown code becomes the base class, never an exception."""
    data = error.get("data")
    facts: dict[str, object] = dict(data) if isinstance(data, dict) else {}
    code = facts.pop("error", None)
    hint = facts.pop("hint", "")
    message = str(error.get("message", "the daemon reported an error"))
    for cls in error_classes():
        if cls.code == code or (code is None and cls.rpc_code == error.get("code")):
            return cls(message, hint=str(hint), data=facts)
    return PersistprocError(message, hint=str(hint), data=facts)
