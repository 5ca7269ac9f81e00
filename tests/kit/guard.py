"""Finds what a test left behind, cleans it up by force, and tells.

Our processes are told from those of other tests on the machine by a variable that everything inherits, by the home
in their arguments or environment, and by the marker of a run of that home.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import tempfile
import time
from pathlib import Path

from persistproc_core.paths import HOME_VARIABLE, Home
from tests.kit import procs

__all__ = ["TEST_VARIABLE", "Guard"]

TEST_VARIABLE = "PERSISTPROC_TEST"
RUN_VARIABLE = "PERSISTPROC_RUN"
# What stays, stays for ever: no harm in looking for long, and a busy machine may need it.
_ENDING_SECONDS = 5.0


class Guard:
    """Knows the homes and the token of one test."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(8)
        self.homes: list[Home] = []
        self._others = procs.present()

    def new_home(self) -> Home:
        """A private, empty folder with a short path; removed after the test."""
        home = Home(tempfile.mkdtemp(prefix="pp-"))
        self.homes.append(home)
        return home

    def survivors(self, home: Home | None = None) -> list[int]:
        """Live processes of this test, or of one of its homes."""
        homes = self.homes if home is None else [home]
        variables = [f"{HOME_VARIABLE}={each.path}" for each in homes]
        variables += [f"{RUN_VARIABLE}={run}" for each in homes for run in _run_ids(each)]
        if home is None:
            variables.append(f"{TEST_VARIABLE}={self.token}")
        return procs.mentions(variables, [each.path for each in homes], self._others)

    def kill(self, home: Home | None = None, within: float = 5.0) -> None:
        """SIGKILL until nothing is left: a keeper may be in the middle of starting one more."""
        found: list[int] = []
        for _ in range(10):
            # One that was born while we looked is seen at the second look.
            found = self.survivors(home) or self.survivors(home)
            if not found:
                return
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for pid in found:
                procs.wait_gone(pid, within)
        raise TimeoutError(f"cannot end {found}")

    def leaks(self) -> list[str]:
        """What is left of the test, in words; empty when all is well."""
        # What ends by itself may need a moment: a keeper sees its daemon go, and its twin sees the keeper go.
        deadline = time.monotonic() + _ENDING_SECONDS
        ending = self.survivors()
        while self._bound_sockets() and time.monotonic() < deadline:
            # Of a process that was born while we looked, or of one whose end the kernel has yet to clear up.
            time.sleep(0.01)
            ending += self.survivors()
        for pid in ending:
            with contextlib.suppress(TimeoutError):
                procs.wait_gone(pid, max(0.0, deadline - time.monotonic()))
        found = [procs.describe(pid) for pid in self.survivors()] if ending else []
        found += [f"zombie child {pid}" for pid in procs.children_in_state_zombie()]
        return found + [f"socket in use: {path}" for path in self._bound_sockets()]

    def clean_up(self) -> None:
        """Kill, reap and remove everything."""
        self.kill()
        for pid in procs.children_in_state_zombie():
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        for home in self.homes:
            for path in _sockets(home):
                with contextlib.suppress(OSError):
                    os.unlink(path)
            shutil.rmtree(home.path, ignore_errors=True)

    def logs(self) -> list[tuple[str, str]]:
        """The own logs of daemon, bridge and keeper of all homes, as title and text."""
        found = []
        for home in self.homes:
            for path in (Path(home.log), Path(home.bridge_log), *sorted(Path(home.keeper).glob("*log*"))):
                with contextlib.suppress(OSError):
                    found.append((str(path), path.read_text("utf-8", "replace")[-20_000:]))
        return found

    def _bound_sockets(self) -> list[str]:
        if not self.homes:
            return []
        try:
            table = Path("/proc/net/unix").read_text("utf-8", "surrogateescape").split()
        except OSError:
            return []
        ours = {path for home in self.homes for path in _sockets(home)}
        return sorted(ours.intersection(table))


def _sockets(home: Home) -> tuple[str, ...]:
    return (home.socket, home.keeper_socket, home.holder_socket, home.bridge_socket)


def _run_ids(home: Home) -> list[str]:
    with contextlib.suppress(OSError):
        # A run id as the daemon makes them comes once in the world. A keeper's test may call its run r, as the test
        # beside it does; its processes are known by the token.
        return [name for name in os.listdir(home.runs) if name.count(".") >= 2]
    return []
