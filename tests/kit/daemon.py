"""A real daemon in a home of its own."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import persistproc_core
from persistproc_core.paths import HOME_VARIABLE, Home
from tests.kit.guard import Guard
from tests.kit.procs import wait_gone
from tests.kit.waiting import read_until
from tests.kit.wire import RawConnection

__all__ = ["Daemon", "DaemonFailed", "environment"]


_TREE = str(Path(persistproc_core.__file__).resolve().parent.parent)


class DaemonFailed(AssertionError):
    """The daemon did not start, or did not end as it should."""


def environment(home: Home, **variables: str) -> dict[str, str]:
    """The environment in which the tests run our programs: this one's, with the home of the test."""
    merged = {**os.environ, HOME_VARIABLE: home.path, **variables}
    if not _is_installed():
        # Run from a source tree that is not installed: from another working directory it would not be found.
        merged["PYTHONPATH"] = _TREE
    return merged


@functools.cache
def _is_installed() -> bool:
    # What a build leaves in the source tree looks like an installation to whoever stands there.
    elsewhere = [path for path in sys.path if os.path.realpath(path) != _TREE]
    return any(importlib.metadata.distributions(name="persistproc", path=elsewhere))


class Daemon:
    """``python -m persistproc_core.daemon`` as a client would start it."""

    def __init__(self, guard: Guard, home: Home, variables: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.pid = 0
        self._guard = guard
        self._variables = dict(variables or {})
        self._was_killed = False

    @property
    def socket(self) -> str:
        """The path of its socket."""
        return self.home.socket

    def start(self, within: float = 15.0) -> None:
        """Start it and return when it accepts connections. Raises `DaemonFailed` with what it said."""
        reader, writer = os.pipe()
        with open(reader, "rb", buffering=0) as ready, tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                self.command(writer),
                cwd="/",
                env=environment(self.home, **self._variables),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=[writer],
            )
            os.close(writer)
            line, status = b"", -1
            try:
                status = process.wait(within)
                line = read_until(ready.fileno(), b"\n", within)
            except (EOFError, TimeoutError, subprocess.TimeoutExpired) as error:
                line = str(error).encode()
            finally:
                if process.returncode is None:
                    process.kill()
                    process.wait()
            if line != b"ready\n" or status != 0:
                errors.seek(0)
                said = errors.read().decode("utf-8", "replace")
                raise DaemonFailed(f"exit status {status}, ready line {line!r}, standard error:\n{said}\n{self.log()}")
        with self.connect() as connection:
            self.pid = connection.hello["pid"]
        self._was_killed = False

    def command(self, ready_fd: int) -> list[str]:
        """The argument list that starts it."""
        module = [sys.executable, "-m", "persistproc_core.daemon"]
        return [*module, "--home", self.home.path, "--detach", "--ready-fd", str(ready_fd)]

    def connect(self, within: float = 10.0) -> RawConnection:
        """A raw connection; close it."""
        return RawConnection(self.socket, within)

    def kill(self, number: int = signal.SIGKILL, within: float = 5.0) -> None:
        """Signal it, SIGKILL unless said otherwise, and return when it is gone. Its processes go on."""
        self._was_killed = True
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        wait_gone(self.pid, within)

    def shut_down(self, within: float = 15.0) -> None:
        """End it with all processes and its keeper, and return when nothing is left."""
        self._was_killed = True
        with self.connect(within) as connection:
            connection.call("shutdown_daemon", stop_processes=True, grace_seconds=2)
        wait_gone(self.pid, within)
        for pid in self._guard.survivors(self.home):
            wait_gone(pid, within)

    def kill_all(self) -> None:
        """End by force all that there is of its home; it can be started again."""
        self._guard.kill(self.home)

    def log(self) -> str:
        """The text of its log."""
        with contextlib.suppress(OSError):
            return Path(self.home.log).read_text("utf-8", "replace")
        return ""

    def tear_down(self) -> None:
        """What the fixture does at the end: a test that killed it is cleaned up by force, all others ask it to end."""
        killed = self._was_killed or not self.pid
        try:
            if not killed:
                self.shut_down()
        finally:
            self._guard.kill(self.home)
