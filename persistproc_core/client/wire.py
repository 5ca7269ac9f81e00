"""What both clients share, without any I/O: requests, replies, the hello, and what is filled in for the caller.

Nothing here imports `persistproc_core.protocol`: it needs typing_extensions, which costs more time than a whole
``persistproc list`` may take. What is repeated from the declaration is little, and a test compares it.
"""

from __future__ import annotations

import os

from .. import __version__
from ..errors import (
    DaemonUnavailable,
    InternalError,
    InvalidParams,
    InvalidRequest,
    PersistprocError,
    ShuttingDown,
    VersionMismatch,
    error_from_wire,
)
from ..framing import MAX_MESSAGE_BYTES
from . import lightjson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..protocol import Hello, OutputLine

__all__ = [
    "DEFAULT_NAME",
    "DEFAULT_TIMEOUT",
    "FILLED",
    "FILLED_BY_METHOD",
    "OF_ANY_PROTOCOL",
    "OLDEST_DAEMON",
    "PROTOCOL",
    "READS",
    "REPLY_SECONDS",
    "SUBSCRIBES",
    "WAITS",
    "Caller",
    "Lost",
    "Silent",
    "Tries",
    "asked_again",
    "batch_line",
    "check_callable",
    "check_protocol",
    "check_reads",
    "current_directory",
    "hello_in",
    "is_again",
    "late_error",
    "lost_error",
    "message_in",
    "piece_bytes",
    "replies_in",
    "reply_in",
    "reply_seconds",
    "request_line",
    "result_of",
]

PROTOCOL = 1
"""The newest protocol version that this client speaks."""

OLDEST_DAEMON = 1
"""The oldest protocol version of a daemon that this client can talk to."""

OF_ANY_PROTOCOL = frozenset({"get_daemon_status", "replace_daemon", "shutdown_daemon"})
"""Methods that keep their form for ever, so that an outdated daemon can be asked to make room for another one."""

DEFAULT_NAME = "persistproc-client"
DEFAULT_TIMEOUT = 20.0
"""Seconds for connecting and, where need be, starting the daemon (0.5 s on an idle machine)."""

REPLY_SECONDS = 60.0
"""How long a reply may take beyond what was asked for; a daemon that is stopped or hung must not hang its clients."""

READS = frozenset(
    {
        "get_daemon_status",
        "get_news",
        "get_port",
        "get_process_log_paths",
        "get_process_output",
        "get_process_status",
        "get_project",
        "list_marks",
        "list_processes",
        "rpc.discover",
        "wait_for_process",
    }
)
"""Methods that change nothing: when the connection is lost they are simply asked again."""

SUBSCRIBES = frozenset({"cancel_subscription", "follow_process_output", "watch_processes"})
"""Methods whose effect belongs to one connection."""

FILLED = ("client", "working_directory")
FILLED_BY_METHOD: dict[str, tuple[str, ...]] = {
    "get_daemon_status": (),
    "rpc.discover": (),
    "shutdown_daemon": ("client",),
    "replace_daemon": (),
    "cancel_subscription": (),
}
"""The methods that do not take both of `FILLED`."""

WAITS = {
    "wait_for_process": ("timeout_seconds", 60.0),
    "get_process_output": ("wait_seconds", 0.0),
}
"""The methods that wait because they are asked to: by which parameter, and for how long without it, in seconds."""

_GRACE = ("grace_seconds", 10.0)
_LASTS = {
    "start_process": (_GRACE, ("timeout_seconds", 60.0)),
    "restart_process": (_GRACE, ("timeout_seconds", 60.0)),
    "start_project": (_GRACE, ("timeout_seconds", 120.0)),
    # One after another, each with its own grace.
    "stop_project": (_GRACE, ("timeout_seconds", 300.0)),
}
"""The methods that change something and wait for what comes of it."""
_MOST_REPLACED = 20
"""Daemons that are replaced while one call is made; each time the next one is waited for, so this is no busy loop."""


class Lost(Exception):
    """The connection ended before the reply. Without ``sent`` the daemon has not seen a whole request."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__()
        self.sent = sent


class Tries:
    """How often one call is asked again after its connection, or its daemon, was gone."""

    __slots__ = ("_lost", "_method", "_replaced")

    def __init__(self, method: str) -> None:
        self._method = method
        self._lost = 0
        self._replaced = 0

    def check(self, failure: Lost | PersistprocError) -> None:
        """Return when it is to be asked again over another connection; else raise what the caller gets."""
        if isinstance(failure, Lost):
            self._lost += 1
            if self._lost > 1 or (failure.sent and self._method not in READS):
                raise lost_error(self._method, failure.sent) from None
            return
        self._replaced += 1
        if not is_again(failure) or self._replaced > _MOST_REPLACED:
            raise failure


class Caller:
    """Who calls and from where: the parameters that every call has in common."""

    __slots__ = ("directory", "name", "version")

    def __init__(self, name: str, version: str, directory: str | None) -> None:
        self.name = name
        self.version = version
        self.directory = None if directory is None else os.path.abspath(directory)

    def fill(self, method: str, params: Mapping[str, object] | None) -> dict[str, object]:
        """The parameters with ``client`` and ``working_directory``, unless given or unknown to the method."""
        filled: dict[str, object] = dict(params or {})
        wanted = FILLED_BY_METHOD.get(method, FILLED)
        directory = self.directory or current_directory()
        if "client" in wanted and "client" not in filled:
            who: dict[str, object] = {"name": self.name, "version": self.version, "pid": os.getpid()}
            if directory:
                who["directory"] = directory
            filled["client"] = who
        if "working_directory" in wanted and "working_directory" not in filled and directory:
            filled["working_directory"] = directory
        return filled


class Silent:
    """In place of a `Caller`, for a program that speaks for others: it adds nothing."""

    __slots__ = ()

    def fill(self, method: str, params: Mapping[str, object] | None) -> dict[str, object]:
        """The parameters as they are."""
        return dict(params or {})


def check_callable(method: str) -> None:
    """Raise `InvalidParams` for a method whose effect belongs to one connection: calls share theirs."""
    if method in SUBSCRIBES:
        raise InvalidParams(
            f"{method} is about one connection, and calls share theirs",
            hint="use the methods follow_process_output and watch_processes, and close what they return",
        )


def check_reads(calls: Sequence[tuple[str, Mapping[str, object]]]) -> None:
    """Raise `InvalidParams` unless all of the methods only read: after a loss all of them are asked again."""
    for method, _ in calls:
        if method not in READS:
            raise InvalidParams(f"{method} changes something: call it alone")


def current_directory() -> str | None:
    """The current directory, also when it was deleted; None where that cannot be told.

    ``PWD`` would be a wrong guess here: a program that changed its directory itself left it as it was.
    """
    try:
        return os.getcwd()
    except OSError:
        pass
    try:
        return os.readlink("/proc/self/cwd").removesuffix(" (deleted)")  # proc(5)
    except OSError:
        return None


def request_line(request_id: int, method: str, params: Mapping[str, object]) -> bytes:
    """The line of a request.

    Raises `InvalidParams` for what JSON cannot hold and `InvalidRequest` for what is longer than the daemon reads.
    """
    return _line({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}, method)


def batch_line(first_id: int, calls: Sequence[tuple[str, Mapping[str, object]]]) -> bytes:
    """The line of several requests (JSON-RPC 2.0, section 6), numbered from ``first_id``. Raises as `request_line`."""
    requests = [
        {"jsonrpc": "2.0", "id": first_id + place, "method": method, "params": params}
        for place, (method, params) in enumerate(calls)
    ]
    return _line(requests, " and ".join(method for method, _ in calls))


def _line(message: object, named: str) -> bytes:
    try:
        text = lightjson.dumps(message)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidParams(f"the parameters of {named} are not JSON: {error}") from None
    line = text.encode("ascii") + b"\n"
    if len(line) > MAX_MESSAGE_BYTES:
        # Sent anyway, the daemon would end the connection in the middle of it, and that looks like its death.
        raise InvalidRequest(f"the request is longer than {MAX_MESSAGE_BYTES} bytes", hint="send less in one call")
    return line


def reply_in(line: bytes, request_id: int) -> dict[str, object] | None:
    """The reply in a line, or None when the line is something else: a notification, or for nobody."""
    message = message_in(line)
    if not isinstance(message, dict) or "method" in message:
        return None
    # An error without an id answers a request that could not be read (JSON-RPC 2.0, section 5); only ours is open.
    if message.get("id") == request_id or (message.get("id") is None and "error" in message):
        return message
    return None


def replies_in(line: bytes, first_id: int, count: int) -> list[dict[str, object]] | None:
    """The replies to a batch, in the order of its requests; None when the line is something else.

    Raises what the daemon has against the batch as a whole.
    """
    message = message_in(line)
    if isinstance(message, list):
        # They may come in any order (JSON-RPC 2.0, section 6).
        by_id = {reply.get("id"): reply for reply in message if isinstance(reply, dict)}
        return [by_id.get(first_id + place, {}) for place in range(count)]
    if isinstance(message, dict) and "method" not in message and message.get("id") is None:
        result_of(message)
    return None


def result_of(reply: Mapping[str, object]) -> object:
    """The result of a reply. Raises the typed error that it carries."""
    error = reply.get("error")
    if isinstance(error, dict):
        raise error_from_wire(error)
    if "result" not in reply:
        raise InternalError("the daemon sent a reply without a result")
    return reply["result"]


def hello_in(line: bytes) -> Hello:
    """The hello in the first line of a connection. Raises `DaemonUnavailable` when the line is no hello at all."""
    message = message_in(line)
    params = message.get("params") if isinstance(message, dict) and message.get("method") == "hello" else None
    if not isinstance(params, dict) or not isinstance(params.get("protocol"), int):
        raise DaemonUnavailable("what answers on the socket is not a persistproc daemon")
    pid, oldest = params.get("pid"), params.get("oldest_protocol")
    hello: Hello = {
        "protocol": params["protocol"],
        "oldest_protocol": oldest if isinstance(oldest, int) else params["protocol"],
        "version": str(params.get("version", "")),
        "pid": pid if isinstance(pid, int) else 0,
        "instance": str(params.get("instance", "")),
    }
    return hello


def message_in(line: bytes) -> object:
    """The message in a line. Raises `DaemonUnavailable` for what is no JSON."""
    try:
        return lightjson.loads(line)
    except ValueError as error:
        raise DaemonUnavailable(f"what answers on the socket does not speak JSON: {error}") from None


def check_protocol(hello: Hello) -> None:
    """Raise `VersionMismatch` when this client and that daemon do not understand each other."""
    if hello["oldest_protocol"] <= PROTOCOL <= hello["protocol"] or OLDEST_DAEMON <= hello["protocol"] <= PROTOCOL:
        return
    ours = f"this client (persistproc {__version__}) speaks protocol {PROTOCOL}"
    both = f"{ours}, the daemon (persistproc {hello['version']}) protocol {hello['protocol']}"
    if hello["protocol"] > PROTOCOL:
        message, hint = f"{both}: upgrade the client", "install the newer persistproc here as well"
    else:
        message, hint = f"{both}: upgrade the daemon", "run: persistproc daemon restart (processes go on)"
    raise VersionMismatch(message, hint=hint, data={"client_protocol": PROTOCOL, "daemon": dict(hello)})


def is_again(error: PersistprocError) -> bool:
    """True for the refusal of a daemon that is being replaced: nothing was done, and another one is about to answer."""
    return isinstance(error, ShuttingDown) and error.data.get("again") is True


def reply_seconds(method: str, params: Mapping[str, object]) -> float:
    """How long to wait for a reply: what the call itself asks for, and `REPLY_SECONDS` on top."""
    asked = (WAITS[method],) if method in WAITS else _LASTS.get(method, (_GRACE,))
    # Twice: a stop may spend the grace period on the group, and again on what left the group.
    return REPLY_SECONDS + 2 * sum(_asked_seconds(params, name, default) for name, default in asked)


def asked_again(method: str, params: dict[str, object], elapsed: float) -> dict[str, object]:
    """The parameters for asking a second time, ``elapsed`` seconds later: a wait has that much less to wait."""
    if method not in WAITS:
        return params
    name, default = WAITS[method]
    return {**params, name: max(0.0, _asked_seconds(params, name, default) - elapsed)}


def _asked_seconds(params: Mapping[str, object], name: str, default: float) -> float:
    asked = params.get(name, default)
    if not isinstance(asked, (int, float)):
        return default  # the daemon will refuse it
    # A socket's timeout overflows; the daemon refuses a wait of more than an hour.
    return float(max(0, min(asked, 40_000)))


def lost_error(method: str, sent: bool) -> DaemonUnavailable:
    """The error for a call whose connection was lost."""
    if sent and method not in READS:
        message = f"the connection to the daemon was lost during {method}; it may or may not have been done"
        return DaemonUnavailable(message, hint="look at the state first: persistproc list", data={"sent": True})
    lost = f"the connection to the daemon was lost during {method}"
    return DaemonUnavailable(lost, hint="try again", data={"sent": sent})


def late_error(method: str, seconds: float) -> DaemonUnavailable:
    """The error for a call that was not answered in time."""
    return DaemonUnavailable(
        f"the daemon has not answered {method} within {seconds:g} s", hint="run: persistproc doctor"
    )


def piece_bytes(line: OutputLine) -> bytes:
    """The bytes of one piece of ``get_process_output(format="raw")``, exactly as the process wrote them."""
    if "base64" in line:
        import binascii

        return binascii.a2b_base64(line["base64"])
    return line.get("text", "").encode("utf-8", "surrogateescape")
