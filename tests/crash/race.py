"""Stop, exit, restart and the daemon's death at one moment (suite ``race``): one true end, never two runs at once."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

from persistproc_core.client import Client
from persistproc_core.errors import StartFailed
from persistproc_core.paths import Home
from persistproc_core.protocol import RestartPolicy
from tests.crash import evidence
from tests.crash.figures import Figures
from tests.crash.stage import Order, in_parts, stage
from tests.crash.world import World, facts
from tests.kit import program, wait_gone

__all__ = ["PROMISES", "run_race"]

PROMISES = ("double_run", "wrong_end", "lost", "duplicate", "unreadable", "errors")

_ROUNDS_A_HOME = 250
_LONGEST_DELAY = 0.02
_POLICIES: tuple[RestartPolicy, ...] = ("never", "always", "on-failure")


def run_race(order: Order) -> Figures:
    """All rounds, in several homes."""
    full, rest = divmod(order.size, _ROUNDS_A_HOME)
    sizes = [_ROUNDS_A_HOME] * full + ([rest] if rest else [])
    parts = [order._replace(seed=order.seed * 1000 + number, size=size) for number, size in enumerate(sizes)]
    return in_parts(_part, parts, order.jobs)


def _part(order: Order) -> Figures:
    figures = Figures("race", PROMISES)
    alone = program("alone")
    with stage(figures, order) as (home, _guard):
        race = _Race(home, figures, alone, random.Random(order.seed))
        with closing(race), ThreadPoolExecutor(4) as pool:
            for number in range(order.size):
                race.world.point = f"round {number} of seed {order.seed}"
                try:
                    race.round(pool, _POLICIES[number % len(_POLICIES)])
                except Exception as error:
                    race.world.find("errors", f"{type(error).__name__}: {error}")
                figures.n += 1
    return figures


class _Race:
    def __init__(self, home: Home, figures: Figures, alone: list[str], chance: random.Random) -> None:
        self.world = World(home, figures, 1)
        self._lock = Path(home.path, "alone")
        self._command = [*alone, str(self._lock)]
        self._chance = chance
        self._clients = [Client(home=home.path, name=name, working_directory="/") for name in ("stopper", "restarter")]

    def close(self) -> None:
        """Close the connections."""
        for client in (self.world.client, *self._clients):
            client.close()

    def round(self, pool: ThreadPoolExecutor, policy: RestartPolicy) -> None:
        """Start it, let the four loose, and look."""
        world = self.world
        first = world.start("web", self._command, fresh=True, restart=policy)
        daemon = world.client.get_daemon_status()["pid"]
        assert first["pid"] is not None
        barrier = threading.Barrier(4)
        acts: list[Callable[[], object]] = [
            self._stop,
            self._restart,
            lambda pid=first["pid"]: _kill(pid, signal.SIGTERM),  # type: ignore[misc]
            lambda: _kill(daemon, signal.SIGKILL),
        ]
        stop, restart, *kills = [pool.submit(self._at, barrier, self._chance.random(), act) for act in acts]
        for kill in kills:
            kill.result(30)
        wait_gone(daemon)
        self._judge(stop.result(30), restart.result(30))
        world.check()

    def _at(self, barrier: threading.Barrier, moment: float, act: Callable[[], object]) -> object:
        barrier.wait(30)
        threading.Event().wait(moment * _LONGEST_DELAY)  # all orders shall come
        return act()

    def _stop(self) -> int:
        return self._insist(lambda: self._clients[0].stop_process(process="web")["run"])

    def _restart(self) -> int:
        def restart() -> int:
            try:
                return self._clients[1].restart_process(process="web", environment=dict(os.environ))["run"]
            except StartFailed:
                return 0  # the stop came to the new run before it was answered

        return self._insist(restart)

    def _insist(self, act: Callable[[], int]) -> int:
        found: list[int] = []
        self.world.insist(lambda: found.append(act()))
        return found[0]

    def _judge(self, stopped: object, restarted: object) -> None:
        info = self.world.status("web")
        story = f"stop was told of run {stopped}, restart of {restarted}: {facts(info)}"
        alive = {child.run_id for child in evidence.alive(self.world.home).values()}
        if stopped == info["run"] and (info["ended_at"] is None or info["run_id"] in alive or info["restart_at"]):
            self.world.find("wrong_end", f"stopped and not dead; {story}")
        if stopped != info["run"] and info["state"] != "running":
            self.world.find("wrong_end", f"started after the stop and not running; {story}")
        for run in info["history"][1:]:
            if run["ended_at"] is None or run["state"] == "lost" or (run["exit_code"], run["signal"]) == (None, None):
                self.world.find("wrong_end", f"a former run has no true end: {run}; {story}")
        broken = self._lock.with_name("alone.broken")
        if broken.exists():
            self.world.find("double_run", story)
            broken.unlink()


def _kill(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
