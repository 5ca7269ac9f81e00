"""A child that is held still between fork and exec, for as long as a test needs."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.daemon.hub import Hub
from tests.kit import WireError, eventually

__all__ = ["NOT_THERE", "HeldChild"]

NOT_THERE = "there-is-no-such-program"
# So many folders are searched before the one that may have it that the child is still at it when its pid is known: a
# third of a second. Each try copies the variable: twice as many take four times as long.
_SLOW_PATH = ":x" * 15_000
_TRIES = 5


class HeldChild:
    """Starts a command whose child is stopped while it searches its PATH."""

    def __init__(self, hub: Hub, command: list[str], name: str) -> None:
        self._hub = hub
        self._command = command
        self._name = name
        self.reply: Future[Any]
        self.pid: int
        # On a busy machine the child may be through before anybody has come to hold it.
        for _ in range(_TRIES):
            if self._holds():
                return
            self._forget()
        raise AssertionError("the child was too quick to be held")

    def go_on(self) -> None:
        """Let it come to its exec."""
        os.kill(self.pid, signal.SIGCONT)

    def _holds(self) -> bool:
        self.pid = 0
        self.reply = self._hub.aside(
            "start_process",
            command=self._command,
            name=self._name,
            environment={"PATH": _SLOW_PATH + ":/usr/bin:/bin"},
            inherit_environment=False,
        )
        runs = Path(self._hub.daemon.home.runs)
        notes: list[bytes] = []

        def noted() -> bool:
            notes[:] = []
            for path in runs.glob(f"{self._name}.*/spawned"):
                with suppress(FileNotFoundError):  # of a start that has failed meanwhile
                    notes.append(path.read_bytes())
            return self.reply.done() or (bool(notes) and notes[0].endswith(b"\n"))

        eventually(noted, what="the keeper has noted the child's pid")
        if self.reply.done():
            return False
        self.pid = int(notes[0].split()[0])
        try:
            child = psutil.Process(self.pid)
            child.suspend()
            while child.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
                time.sleep(0.001)
            # It still is a copy of the keeper.
            return child.cmdline() == psutil.Process(self._hub.keeper_pid()).cmdline()
        except psutil.NoSuchProcess:
            return False

    def _forget(self) -> None:
        if self.pid:
            with suppress(ProcessLookupError):
                self.go_on()
        with suppress(WireError):
            self.reply.result(10)
            self._hub.stop(self._name, force=True)
            self._hub.call("remove_process", self._name)
