"""The warm interpreter as a campaign uses it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from persistproc_core.paths import Home
from tests.kit.daemon import environment
from tests.kit.waiting import read_line

__all__ = ["WarmInterpreter"]

_FOLDER = Path(__file__).resolve().parent


class WarmInterpreter:
    """While it is entered, clients of this process start their daemons through it: it stands in `sys.executable`.

    Programs that are to be run by the real interpreter must be put together before (`tests.kit.program`).
    """

    def __init__(self, home: Home, *preparation: str, **variables: str) -> None:
        """``preparation``: a module whose ``prepare()`` each daemon calls before its own main."""
        self._home = home
        self._preparation = preparation
        self._variables = variables
        self._real = sys.executable
        self._server: subprocess.Popen[bytes] | None = None
        self.launcher = os.path.join(home.path, "warm-python")

    def __enter__(self) -> WarmInterpreter:
        self._home.ensure()
        socket = self.launcher + ".sock"
        words = [self._real, "-I", "-S", str(_FOLDER / "launcher.py"), socket]
        Path(self.launcher).write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', "utf-8")
        os.chmod(self.launcher, 0o700)
        self._server = subprocess.Popen(
            [self._real, "-m", "tests.crash.warm.server", socket, *self._preparation],
            cwd=_FOLDER.parent.parent.parent,
            env=environment(self._home, **self._variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._server.stdout is not None
        try:
            read_line(self._server.stdout, 30)
        except BaseException:
            self._end()
            raise
        sys.executable = self.launcher
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        sys.executable = self._real
        self._end()

    def _end(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.communicate()
