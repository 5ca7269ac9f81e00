"""A caller that starts, stops and restarts one process and survives the loss of its connection."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable

from persistproc_core.client import Client
from persistproc_core.errors import DaemonUnavailable
from persistproc_core.protocol import RestartPolicy
from tests.kit import program

__all__ = ["VALUE_MARK", "Caller", "cast_of"]

VALUE_MARK = "PP_CRASH_VALUE"
"""Variable of every child that tells one environment from another."""

_PATIENCE = 30.0

_Act = Callable[[dict[str, str]], str]
"""A verb with the environment to use; returns the run that is alive afterwards."""


def cast_of(seed: int) -> list[Caller]:
    """The callers of a campaign: each another pause (who starts what runs already joins it), one with a terminal,
    one whose process comes back by itself."""

    def chance(name: str) -> random.Random:
        return random.Random(f"{seed} {name}")

    plain = [Caller(f"w{number}", pause, chance(f"w{number}")) for number, pause in enumerate((2, 1))]
    return [
        *plain,
        Caller("tty", 4, chance("tty"), tty=True),
        Caller("always", 5, chance("always"), restart="always"),
    ]


class Caller:
    """Owns the process ``name``: a script of a few verbs a point, each repeated until the daemon has answered it."""

    def __init__(
        self, name: str, pause_ms: float, chance: random.Random, *, tty: bool = False, restart: RestartPolicy = "never"
    ) -> None:
        self.name = name
        self.run_id = ""
        """The run that must be alive now, by the last reply; empty when none may be."""
        self.values: set[str] = set()
        """What `VALUE_MARK` may be in its environment; several when a call was cut and nobody knows what it did."""
        self.comes_back = restart == "always"
        self.told: set[str] = set()
        """Every run that a reply has told of."""
        self._tty = tty
        self._restart_policy: RestartPolicy = restart
        self._command = program("steady_writer", pause_ms)
        self._chance = chance
        self._client: Client
        self._environment: dict[str, str] = {}
        self._attempts = 0

    def open(self, home: str) -> None:
        """Be a client of the daemon of this home."""
        self._client = Client(home=home, name="crash", working_directory="/")
        self._environment = dict(os.environ)

    def script(self, count: int) -> list[str]:
        """What to do next."""
        alive = bool(self.run_id)
        verbs: list[str] = []
        for _ in range(count):
            verb = self._chance.choices(("stop", "restart") if alive else ("start", "restart"), (3, 2))[0]
            alive = verb != "stop"
            verbs.append(verb)
        return verbs

    def run(self, verbs: list[str], fuse: threading.Event | None, at: int) -> None:
        """Do it; ``fuse`` is set just before the call number ``at`` is made."""
        acts: dict[str, Callable[[dict[str, str]], str]] = {
            "start": self._start,
            "stop": self._stop,
            "restart": self._restart,
        }
        for number, verb in enumerate(verbs):
            if fuse is not None and number == at:
                fuse.set()
            self.run_id = self._insist(acts[verb])
            if self.run_id:
                self.told.add(self.run_id)

    def close(self) -> None:
        """Close the connection; the next call opens another one."""
        self._client.close()

    def _insist(self, act: _Act) -> str:
        deadline = time.monotonic() + _PATIENCE
        self._attempts = 0
        environment = {**self._environment, VALUE_MARK: f"{self._chance.getrandbits(64):x}"}
        while True:
            self._attempts += 1
            try:
                return act(environment)
            except DaemonUnavailable:
                # It was killed under way, so nobody knows whether it was done: asking again must be safe.
                if time.monotonic() > deadline:
                    raise

    def _start(self, environment: dict[str, str]) -> str:
        reply = self._client.start_process(
            command=self._command,
            name=self.name,
            working_directory="/",
            environment=environment,
            tty=self._tty,
            restart=self._restart_policy,
        )
        if reply["run_id"] != self.run_id:
            self.values = {environment[VALUE_MARK]}
        return reply["run_id"]

    def _stop(self, environment: dict[str, str]) -> str:
        self._client.stop_process(process=self.name)
        return ""

    def _restart(self, environment: dict[str, str]) -> str:
        # A daemon that was killed has forgotten the values that an ended run had: it takes ours then.
        reply = self._client.restart_process(process=self.name, environment=environment)
        if reply["environment_from"] == "caller":
            self.values = {environment[VALUE_MARK]}
        elif self._attempts > 1:
            self.values.add(environment[VALUE_MARK])
        return reply["run_id"]
