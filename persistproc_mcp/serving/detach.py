"""A bridge in the background: who starts it waits until it answers, and hears what became of it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from typing import cast

from persistproc_core.background import first_line, forget_terminal
from persistproc_core.errors import DaemonUnavailable, InternalError, PersistprocError, error_from_wire
from persistproc_core.paths import Home

from ..settings import About
from .program import run
from .wanted import Outcome, Wanted

__all__ = ["start_detached"]

_READY_SECONDS = 30.0
_LONGEST = 1024 * 1024


def start_detached(wanted: Wanted) -> Outcome:
    """Start a bridge that outlives us, unless one is there; return when it answers. Raises `PersistprocError`."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        os._exit(_be(wanted, writer))
    os.close(writer)
    try:
        line = _read_line(reader, wanted.home)
    finally:
        os.close(reader)
    if not line.endswith(b"\n"):
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        raise InternalError(
            f"the bridge ended before it answered (exit status {status})", hint=f"see {wanted.home.bridge_log}"
        )
    return _outcome(json.loads(line))


def _be(wanted: Wanted, writer: int) -> int:
    """The life of the child; it must not return into what its parent was doing."""
    try:
        os.setsid()
        forget_terminal()
        # Whoever started us may have ignored or blocked signals (nohup, a shell's background jobs).
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        return run(wanted, _teller(writer))
    except PersistprocError as error:
        _write(writer, {"error": error.to_wire()})
        return error.exit_code
    except BaseException as error:
        _write(writer, {"error": InternalError(f"the bridge could not start: {error!r}").to_wire()})
        return 70


def _teller(writer: int) -> Callable[[Outcome], None]:
    def tell(outcome: Outcome) -> None:
        _write(writer, {"about": outcome.about, "already": outcome.already})
        os.close(writer)

    return tell


def _write(fd: int, document: dict[str, object]) -> None:
    try:
        os.write(fd, json.dumps(document).encode() + b"\n")
    except OSError:
        pass  # whoever started us does not wait any more


def _read_line(fd: int, home: Home) -> bytes:
    line = first_line(fd, time.monotonic() + _READY_SECONDS, _LONGEST)
    if line is None:
        raise DaemonUnavailable("the bridge did not answer in time", hint=f"try again; see {home.bridge_log}")
    return line


def _outcome(document: dict[str, object]) -> Outcome:
    error = document.get("error")
    if isinstance(error, dict):
        found = error_from_wire(error)
        # The errors of the bridge alone, a port that is taken, come as the base class.
        found.code = str(error["data"]["error"])
        raise found
    return Outcome(cast("About", document["about"]), bool(document["already"]))
