"""What ``persistproc doctor`` looks at. Each check only looks: none starts, writes or locks anything."""

from __future__ import annotations

import os
import sys

from persistproc_core.errors import DaemonUnavailable, PersistprocError, UnsafeHome

from .locks import holder
from .render import memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from persistproc_core.paths import Home
    from persistproc_core.protocol import DaemonStatus

    from .context import Context

__all__ = ["Finding", "findings"]

_LEAST_PYTHON = (3, 10)
_LEAST_FREE_BYTES = 512 * 1024 * 1024
_MANY_RUNS = 5000


class Finding:
    """What a check found: ``ok``, ``warning`` or ``problem``, and what mends it."""

    __slots__ = ("check", "level", "mend", "text")

    def __init__(self, check: str, level: str, text: str, mend: str = "") -> None:
        self.check = check
        self.level = level
        self.text = text
        self.mend = mend

    def document(self) -> dict[str, str]:
        """For ``--json``."""
        return {"check": self.check, "level": self.level, "text": self.text, "mend": self.mend}


def findings(context: Context) -> Iterator[Finding]:
    """All checks, in the order in which a failing one explains the next."""
    yield _python()
    yield _psutil()
    try:
        home = context.home()
        home.check()
    except UnsafeHome as error:
        yield Finding("home", "problem", error.message, error.hint)
        return
    there = os.path.isdir(home.path)
    yield Finding("home", "ok", f"{home.path}" if there else f"{home.path} is not there yet; the first start makes it")
    yield _socket_path(home)
    yield _disk(home)
    yield from _daemon(context, home)
    yield _bridge(home)
    if there:
        yield _runs(home)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _LEAST_PYTHON:
        return Finding("python", "problem", f"Python {version} is too old", "install Python 3.10 or later")
    return Finding("python", "ok", f"Python {version} ({sys.executable})")


def _psutil() -> Finding:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return Finding("psutil", "ok", f"psutil {version('psutil')}")
    except PackageNotFoundError:
        return Finding("psutil", "problem", "psutil is not installed", "install persistproc again")


def _socket_path(home: Home) -> Finding:
    from persistproc_core.paths import MAX_SOCKET_PATH

    length = len(os.fsencode(os.path.join(home.path, "sock")))
    if home.socket.startswith(home.path + os.sep):
        return Finding("socket path", "ok", f"{length} of {MAX_SOCKET_PATH} bytes")
    text = f"{length} bytes are more than a socket's path may have ({MAX_SOCKET_PATH}); {home.socket} is used instead"
    return Finding("socket path", "ok", text)


def _disk(home: Home) -> Finding:
    path = home.path
    while not os.path.exists(path):
        path = os.path.dirname(path)
    try:
        status = os.statvfs(path)
    except OSError as error:
        return Finding("disk", "problem", f"cannot look at {path}: {error.strerror}", "check the file system")
    free = status.f_bavail * status.f_frsize
    if free < _LEAST_FREE_BYTES or (status.f_files and not status.f_favail):
        text = f"only {free // (1024 * 1024)} MiB and {status.f_favail} files are free at {path}"
        return Finding("disk", "problem", text, "make room; output of processes waits or is lost when the disk is full")
    return Finding("disk", "ok", f"{free // (1024 * 1024)} MiB free")


def _daemon(context: Context, home: Home) -> Iterator[Finding]:
    from persistproc_core import __version__

    try:
        with context.connect(autostart=False) as client:
            status = client.get_daemon_status()
    except DaemonUnavailable as error:
        yield _absent(home, error)
        yield _keeper(home, None)
        return
    except PersistprocError as error:
        yield Finding("daemon", "problem", error.message, error.hint)
        return
    text = f"version {status['version']}, pid {status['pid']}"
    if status["version"] != __version__:
        mend = "run: persistproc daemon restart (processes go on)"
        yield Finding("daemon", "warning", f"{text}, but this command line is {__version__}", mend)
    else:
        yield Finding("daemon", "ok", text)
    yield _keeper(home, status["keeper_pid"])
    yield from _configuration(status)
    yield _output(status)


def _bridge(home: Home) -> Finding:
    from persistproc_core import __version__

    from .bridge import ask

    again = "run: persistproc serve --stop, then persistproc serve (agents need not be told)"
    try:
        told = ask(home)
    except PersistprocError as error:
        return Finding("bridge", "problem", error.message, error.hint)
    if told is None:
        return Finding("bridge", "ok", "not running; persistproc serve starts it, and so does persistproc mcp")
    text = f"version {told.get('version')}, pid {told.get('pid')}, {told.get('url') or 'on its socket alone'}"
    if told.get("version") != __version__:
        return Finding("bridge", "warning", f"{text}, but this command line is {__version__}", again)
    if told.get("port_problem"):
        return Finding("bridge", "warning", f"{text}: {told['port_problem']}", again)
    return Finding("bridge", "ok", text)


def _configuration(status: DaemonStatus) -> Iterator[Finding]:
    path = status["config"]
    for problem in status["config_problems"]:
        yield Finding("config", "warning", problem, f"mend {path}, then run: persistproc daemon restart")
    if not status["config_problems"]:
        yield Finding("config", "ok", path if os.path.exists(path) else f"{path} is not there; the defaults are used")


def _output(status: DaemonStatus) -> Finding:
    size, limit = status["output_bytes"], status["output_limit_bytes"]
    return Finding("output", "ok", f"{memory(size)} kept, of at most {memory(limit)}")


def _absent(home: Home, error: PersistprocError) -> Finding:
    pid = holder(home.lock)
    if not pid:
        return Finding("daemon", "ok", "not running; it starts with the first verb that needs it")
    text = f"pid {pid} holds the lock but does not answer: {error.message}"
    if not os.path.exists(home.socket):
        text = f"pid {pid} runs, but its socket {home.socket} has been deleted"
    return Finding("daemon", "problem", text, f"run: kill {pid} (processes go on), then: persistproc daemon start")


def _keeper(home: Home, told: int | None) -> Finding:
    pid = told or holder(os.path.join(home.keeper, "lock"))
    if pid:
        return Finding("keeper", "ok", f"pid {pid}")
    return Finding("keeper", "ok", "not running" if pid == 0 else "cannot be told without a daemon")


def _runs(home: Home) -> Finding:
    try:
        count = len(os.listdir(home.runs))
    except FileNotFoundError:
        count = 0
    except OSError as error:
        return Finding("runs", "problem", f"cannot read {home.runs}: {error.strerror}", "check its permissions")
    if count > _MANY_RUNS:
        return Finding(
            "runs",
            "warning",
            f"{count} runs are kept",
            "forget what you do not need: persistproc prune --all --older-than 7d",
        )
    return Finding("runs", "ok", f"{count} kept")
