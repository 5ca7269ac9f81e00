"""A caller that starts, stops and restarts one process and survives the loss of its connection."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable

from persistproc_core.client import Client
from persistproc_core.errors import DaemonUnavailable
from tests.kit import program

__all__ = ["HOME_MARK", "Caller"]

HOME_MARK = "PP_CRASH_HOME"
"""Variable of every child of a campaign; its value is the campaign's home."""

_PATIENCE = 30.0


class Caller:
    """Owns the process ``name``: a script of a few verbs a point, each repeated until the daemon has answered it."""

    def __init__(self, home: str, name: str, pause_ms: float, chance: random.Random) -> None:
        self.name = name
        self.run_id = ""
        """The run that must be alive now, by the last reply; empty when none may be."""
        self.told: set[str] = set()
        """Every run that a reply has told of."""
        self._client = Client(home=home, name="crash", working_directory="/")
        self._environment = {**os.environ, HOME_MARK: home}
        self._command = program("steady_writer", pause_ms)
        self._chance = chance

    def script(self, count: int) -> list[str]:
        """What to do next."""
        alive = bool(self.run_id)
        verbs: list[str] = []
        for _ in range(count):
            verb = self._chance.choices(("stop", "restart") if alive else ("start", "restart"), (3, 2))[0]
            if not self.told and not verbs:
                verb = "start"
            alive = verb != "stop"
            verbs.append(verb)
        return verbs

    def run(self, verbs: list[str], fuse: threading.Event | None, at: int) -> None:
        """Do it; ``fuse`` is set just before the call number ``at`` is made."""
        acts: dict[str, Callable[[], str]] = {"start": self._start, "stop": self._stop, "restart": self._restart}
        for number, verb in enumerate(verbs):
            if fuse is not None and number == at:
                fuse.set()
            self.run_id = self._insist(acts[verb])
            if self.run_id:
                self.told.add(self.run_id)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _insist(self, act: Callable[[], str]) -> str:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return act()
            except DaemonUnavailable:
                # It was killed under way, so nobody knows whether it was done: asking again must be safe.
                if time.monotonic() > deadline:
                    raise

    def _start(self) -> str:
        return self._client.start_process(
            command=self._command, name=self.name, working_directory="/", environment=self._environment
        )["run_id"]

    def _stop(self) -> str:
        self._client.stop_process(process=self.name)
        return ""

    def _restart(self) -> str:
        # A daemon that was killed has forgotten the values that an ended run had: it takes ours then.
        return self._client.restart_process(process=self.name, environment=self._environment)["run_id"]
