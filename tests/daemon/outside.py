"""Servers that nobody started through persistproc: children of a shell, in a session of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import psutil

from tests.kit import eventually, is_alive, wait_gone
from tests.kit.waiting import read_until

__all__ = ["Outside"]


class Outside:
    """``COMMAND > web.log`` under a shell in a session of its own, as a terminal would run it, beside a neighbour."""

    def __init__(
        self,
        stack: ExitStack,
        directory: Path,
        command: list[str],
        *,
        redirect: str = "> web.log 2>&1",
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """``redirect``: where the shell sends its output."""
        self.log = directory / "web.log"
        # It tells the pids, waits for the server, and then goes on: it must outlive whatever is done to that.
        # Not on its standard output: a server that writes there as well may be quicker than the shell that started it.
        script = f'sleep 1000 & echo $! >&2; "$@" {redirect} & echo $! >&2; wait $!; echo over $?; wait'
        self.shell = stack.enter_context(
            subprocess.Popen(
                ["sh", "-c", script, "sh", *command],
                cwd=directory,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **(variables or {})},
                start_new_session=True,
            )
        )
        stack.callback(self.end)
        self.neighbour = int(self._read(self.shell.stderr))
        self.pid = int(self._read(self.shell.stderr))
        # The shell's child is a shell until it executes the command.
        eventually(lambda: psutil.Process(self.pid).cmdline() == command, what=f"{command} is executed")

    def printed(self, pattern: bytes) -> bytes:
        """The line of its file that begins so, once it is there."""
        found: list[bytes] = []

        def look() -> list[bytes]:
            lines = self.log.read_bytes().splitlines(keepends=True) if self.log.exists() else []
            found[:] = [line for line in lines if line.startswith(pattern) and line.endswith(b"\n")]
            return found

        eventually(look, what=f"it has printed {pattern!r}")
        return found[0].strip()

    def read_line(self) -> str:
        """What the shell says next; ``over CODE`` once the server has ended."""
        return self._read(self.shell.stdout)

    @staticmethod
    def _read(stream: IO[bytes] | None) -> str:
        assert stream is not None
        return read_until(stream.fileno(), b"\n", 10).decode("ascii").strip()

    def assert_untouched(self) -> None:
        """Shell and neighbour live."""
        assert is_alive(self.shell.pid)
        assert is_alive(self.neighbour)

    def end(self) -> None:
        """Whatever is left of it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.shell.pid, signal.SIGKILL)
        wait_gone(self.neighbour)
        wait_gone(self.pid)
