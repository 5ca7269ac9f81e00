"""The real command line as a child process, with pipes or on a terminal of its own."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from persistproc_core.client.sync import Client
from persistproc_core.paths import Home
from tests.kit.daemon import environment
from tests.kit.waiting import eventually

__all__ = ["Cli", "Terminal"]

CLI = (sys.executable, "-m", "persistproc_cli")
SECONDS = 20.0


class Cli:
    """Runs ``python -m persistproc_cli`` in a project of its own, against the daemon of a home."""

    def __init__(self, home: Home, project: Path) -> None:
        self.home = home
        self.project = project

    def variables(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a call. A project's own modules must not shadow any of ours (-m looks there first)."""
        return environment(self.home, **{"PYTHONSAFEPATH": "1", **(more or {})})

    def __call__(
        self,
        *words: str | bytes,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: int | None = subprocess.DEVNULL,
        check: int | None = None,
        within: float = SECONDS,
    ) -> subprocess.CompletedProcess[str]:
        """Run a call to its end; ``check`` is the exit code that it must have."""
        finished = subprocess.run(
            [*CLI, *words],
            cwd=cwd or self.project,
            env=self.variables(env),
            stdin=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=within,
        )
        assert "Traceback" not in finished.stderr, finished.stderr
        if check is not None:
            assert finished.returncode == check, (words, finished)
        return finished

    def json(self, *words: str, check: int = 0) -> dict[str, object]:
        """The document of a call."""
        return cast("dict[str, object]", json.loads(self(*words, check=check).stdout))

    def processes(self, *words: str) -> list[dict[str, object]]:
        """The processes in the document of a call: ``list`` unless said otherwise."""
        return cast("list[dict[str, object]]", self.json(*(words or ("list",)), "--json")["processes"])

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a call with pipes."""
        return subprocess.Popen(
            [*CLI, *words],
            cwd=self.project,
            env=self.variables(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )

    @functools.cached_property
    def hub(self) -> Client:
        """The same daemon without a command line: a hundred times quicker, for what a test only needs to be there."""
        return Client(home=self.home.path, autostart=False, working_directory=str(self.project), name="test")

    def close(self) -> None:
        """Close the connections of `hub`."""
        self.hub.close()

    def began(self, name: str, *command: str) -> None:
        """Start a process."""
        self.hub.start_process(command=[*command], name=name)

    def ended(self, name: str, *command: str) -> None:
        """Start a process, and return when it has ended by itself."""
        self.began(name, *command)
        self.hub.wait_for_process(process=name, exit=True)

    def said(self, name: str, pattern: str) -> None:
        """Return when a process has printed a line."""
        self.hub.wait_for_process(process=name, output=pattern)

    def looked_at(self, name: str) -> None:
        """Return when somebody waits for a process, or for its output: while he does, it is used at every moment."""

        def used_at() -> str | None:
            return self.hub.get_process_status(process=name)["last_used_at"]

        looks = [used_at()]

        def moves() -> bool:
            looks.append(used_at())
            return looks[-1] != looks[-2]

        eventually(moves, SECONDS, f"somebody looks at {name}")

    @contextlib.contextmanager
    def terminal(self, *words: str, env: Mapping[str, str] | None = None) -> Iterator[Terminal]:
        """Start a call on a terminal; it is ended with it."""
        terminal = Terminal([*CLI, *words], self.project, self.variables({"TERM": "xterm-256color", **(env or {})}))
        try:
            yield terminal
        finally:
            terminal.close()


class Terminal:
    """A program on a pseudo-terminal, as a person has it in front of him."""

    def __init__(self, command: list[str], cwd: Path, env: Mapping[str, str]) -> None:
        self.output = b""
        self._status: int | None = None
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(cwd)
                os.execve(command[0], command, dict(env))
            finally:
                os._exit(127)

    def wait_for(self, pattern: str, within: float = SECONDS) -> str:
        """Read until the output since the last call matches; returns the text up to the end of the match."""
        deadline = time.monotonic() + within
        while True:
            found = re.search(pattern.encode(), self.output)
            if found:
                shown, self.output = self.output[: found.end()], self.output[found.end() :]
                return shown.decode("utf-8", "backslashreplace")
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                raise AssertionError(f"no {pattern!r} in {self.output!r}")

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def wait(self, within: float = SECONDS) -> int:
        """Read to the end; returns the exit code."""
        deadline = time.monotonic() + within
        while self._read(max(0.0, deadline - time.monotonic())):
            pass
        self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._status

    def hang_up(self) -> int:
        """Close the terminal window; returns how the program ended."""
        os.close(self._master)
        self._master = -1
        self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._status

    def close(self) -> None:
        """End the program if it still runs."""
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if self._master >= 0:
            os.close(self._master)

    def _read(self, within: float) -> bool:
        if not select.select([self._master], [], [], within)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the program has closed its side
            return False
        self.output += data
        return bool(data)
