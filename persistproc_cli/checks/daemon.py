"""Does the daemon live, answer, and belong to this command?"""

from __future__ import annotations

import os

from persistproc_core import __version__
from persistproc_core.errors import VersionMismatch

from ..locks import holder
from ..render import memory
from .finding import Kind, ok

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from persistproc_core.protocol import DaemonStatus

    from .finding import Finding
    from .look import Look

__all__ = ["KINDS", "daemon"]

_RESTART = "run: `persistproc daemon restart` (processes go on)"

SOCKET_DELETED = Kind(
    "daemon",
    "daemon-socket-deleted",
    "warning",
    "The daemon lives, but its socket was deleted (a cleaner of old files, `rm -r`). The next command has it make "
    "another one; processes notice nothing.",
    "run: `persistproc list`",
)
LOCK_DELETED = Kind(
    "daemon",
    "daemon-lock-deleted",
    "warning",
    "The daemon lives, but the file of its lock was deleted or replaced, so a second daemon could start beside it.",
    _RESTART,
)
STOPPED = Kind(
    "daemon",
    "daemon-stopped",
    "problem",
    "The daemon was stopped (SIGSTOP, a debugger): every command waits. Processes go on, and their output is kept.",
    "run: `kill -CONT PID`",
)
SILENT = Kind(
    "daemon",
    "daemon-silent",
    "problem",
    "A daemon holds the lock of the home but does not answer on its socket.",
    "run: `kill PID` (processes go on), then: `persistproc daemon start`",
)
OTHER_PROTOCOL = Kind(
    "daemon",
    "daemon-protocol",
    "problem",
    "Command and daemon are of versions that do not understand each other. One of the two has to be upgraded.",
    _RESTART,
)
OLDER = Kind(
    "daemon",
    "daemon-older",
    "warning",
    "The daemon was started by an older version than this command: after an upgrade it runs on until it is replaced.",
    _RESTART,
)
NEWER = Kind(
    "daemon",
    "daemon-newer",
    "warning",
    "The daemon is of a newer version than this command: there are two installations.",
    "run: `pip install --upgrade persistproc`",
)
PROGRAM_DELETED = Kind(
    "daemon",
    "daemon-program-deleted",
    "warning",
    "The Python that the daemon runs on has been replaced or deleted. It goes on with what it has loaded, and fails "
    "when it needs more.",
    _RESTART,
)
UNANSWERED = Kind(
    "daemon",
    "daemon-error",
    "problem",
    "The daemon answers with an error.",
    "see: `persistproc daemon logs`",
)
BAD_CONFIGURATION = Kind(
    "config",
    "config-problem",
    "warning",
    "Something in `config.toml` is wrong. Such a value stays what it was before, or the default.",
    "mend the file; it is read again by itself",
)
KINDS = (
    *(SOCKET_DELETED, LOCK_DELETED, STOPPED, SILENT, OTHER_PROTOCOL, OLDER, NEWER, PROGRAM_DELETED, UNANSWERED),
    BAD_CONFIGURATION,
)


def daemon(look: Look) -> Iterator[Finding]:
    """The daemon, its lock and its configuration."""
    status = look.status
    if status is None:
        yield _absent(look)
        return
    yield _present(look, status)
    yield from _configuration(status)
    size, limit = status["output_bytes"], status["output_limit_bytes"]
    yield ok("output", f"{memory(size)} kept, of at most {memory(limit)}")


def _absent(look: Look) -> Finding:
    pid = look.lock_holder
    if isinstance(look.error, VersionMismatch):
        return OTHER_PROTOCOL.found(look.error.message, look.error.hint)
    there = look.process(pid)
    if there is not None and there.is_stopped:
        return STOPPED.found(f"pid {pid} is stopped", f"run: kill -CONT {pid}")
    if pid and not os.path.lexists(look.home.socket):
        return SOCKET_DELETED.found(f"pid {pid} runs, but its socket {look.home.socket} has been deleted")
    why = look.error.message if look.error else "it says nothing"
    if pid:
        mend = f"run: kill {pid} (processes go on), then: persistproc daemon start"
        return SILENT.found(f"pid {pid} holds the lock but does not answer: {why}", mend)
    if look.error is not None and look.error.code != "daemon_unavailable":
        return UNANSWERED.found(why, look.error.hint)
    return ok("daemon", "not running; it starts with the first verb that needs it")


def _present(look: Look, status: DaemonStatus) -> Finding:
    text = f"version {status['version']}, pid {status['pid']}"
    if status["version"] != __version__:
        kind = OLDER if _numbers(status["version"]) < _numbers(__version__) else NEWER
        return kind.found(f"{text}, but this command line is {__version__}")
    if holder(look.home.lock) == 0:
        return LOCK_DELETED.found(f"{text}, but nobody holds {look.home.lock}")
    if _program_is_gone(status["pid"]):
        return PROGRAM_DELETED.found(f"{text}, but its Python has been replaced or deleted")
    return ok("daemon", text)


def _numbers(version: str) -> list[int]:
    """A version to compare: 0.10 is newer than 0.9."""
    return [int("".join(filter(str.isdigit, part)) or "0") for part in version.split(".")]


def _program_is_gone(pid: int) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/exe").endswith(" (deleted)")
    except OSError:
        return False


def _configuration(status: DaemonStatus) -> Iterator[Finding]:
    path = status["config"]
    for problem in status["config_problems"]:
        yield BAD_CONFIGURATION.found(problem, f"mend {path}; it is read again by itself")
    if not status["config_problems"]:
        yield ok("config", path if os.path.exists(path) else f"{path} is not there; the defaults are used")
