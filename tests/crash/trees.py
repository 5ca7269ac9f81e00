"""kill -9 of each kind of process of a run, in each state of it (suite ``trees``).

What the daemon says must be right within a second: the state, the cause, and what is left; other runs are untouched.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from itertools import product
from typing import NamedTuple

from persistproc_core.errors import PersistprocError
from persistproc_core.protocol import StatusReply
from tests.crash import evidence
from tests.crash.figures import Figures
from tests.crash.stage import Order, in_parts, stage
from tests.crash.world import World, facts
from tests.kit import is_alive, program, wait_gone

__all__ = ["PROMISES", "run_trees"]

PROMISES = ("wrong_state", "late", "not_left", "others_touched", "errors")

_CASES_A_HOME = 40
_WITHIN = 1.0
_WITHIN_ON_A_BUSY_MACHINE = 10.0
_SHORT_CASES = 6
_MEMBERS = ("plain", "double", "ignore-term")
_VICTIMS = ("shell", "leader", "member", "escapee")
_STATES = ("running", "stopping", "ended", "restarting")


class _Case(NamedTuple):
    """Who is killed, and what the run is doing."""

    victim: str
    state: str


class _Tree(NamedTuple):
    """The processes of one run."""

    leader: int
    members: dict[str, int]

    def all(self) -> list[int]:
        return [self.leader, *self.members.values()]


def run_trees(order: Order) -> Figures:
    """Each case ``size`` times."""
    cases = [_Case(*case) for case in product(_VICTIMS, _STATES)] * order.size
    random.Random(order.seed).shuffle(cases)
    if order.short:
        del cases[_SHORT_CASES:]
    parts = [cases[first : first + _CASES_A_HOME] for first in range(0, len(cases), _CASES_A_HOME)]
    return in_parts(partial(_part, order), parts, order.jobs)


def _part(order: Order, cases: list[_Case]) -> Figures:
    figures = Figures("trees", PROMISES)
    tree = program("spawn_tree", *_MEMBERS)
    with stage(figures, order) as (home, _guard), closing(World(home, figures, 2)) as world:
        forest = _Forest(world, tree, _WITHIN_ON_A_BUSY_MACHINE if order.short else _WITHIN)
        for case in cases:
            forest.world.point = f"{case.victim} killed while {case.state}"
            try:
                forest.play(case)
            except Exception as error:
                forest.world.find("errors", f"{type(error).__name__}: {error}")
            figures.n += 1
    return figures


class _Forest:
    def __init__(self, world: World, tree: list[str], within: float) -> None:
        self.world = world
        self._within = within
        self._tree = tree
        self._untouched = self._others()

    def play(self, case: _Case) -> None:
        """One case."""
        tree = self._grow(case)
        victim = {"shell": tree.leader, "leader": tree.leader, "member": tree.members["plain"]}.get(
            case.victim, tree.members["double"]
        )
        stopping = self._bring_to(case.state, tree)
        was_alive = is_alive(victim)
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        wait_gone(victim)
        begun = time.monotonic()
        self._expect(case, tree, victim, was_alive=was_alive)
        if time.monotonic() - begun > self._within:
            self.world.find("late", f"{time.monotonic() - begun:.2f} s")
        self._fell(tree, stopping)

    def _grow(self, case: _Case) -> _Tree:
        command = self._tree
        if case.victim == "shell":
            # A leader that is a shell, with the program as its child.
            command = ["sh", "-c", '"$@"; exit $?', "sh", *self._tree]
        policy = "always" if case.state == "restarting" else "never"
        info = self.world.start("tree", command, fresh=True, restart=policy)
        self.world.client.wait_for_process(process="tree", output="^ready", timeout_seconds=10)
        output = self.world.client.get_process_output(process="tree")
        pids = dict(line["text"].split() for line in output["lines"] if " " in line["text"])
        assert info["pid"] is not None
        return _Tree(info["pid"], {kind: int(pid) for kind, pid in pids.items()})

    def _bring_to(self, state: str, tree: _Tree) -> threading.Thread | None:
        if state == "stopping":
            # Those that ignore the signal keep it there until they are killed.
            thread = threading.Thread(target=self._stop_patiently)
            thread.start()
            self.world.until(lambda: self.world.status("tree")["state"] != "running")
            return thread
        if state in ("ended", "restarting"):
            os.kill(tree.leader, signal.SIGKILL)
            wait_gone(tree.leader)
            self.world.settled("tree", lambda info: info["state"] not in ("running", "starting"), what="wrong_state")
        return None

    def _stop_patiently(self) -> None:
        with suppress(PersistprocError):
            self.world.client.stop_process(process="tree", grace_seconds=60)

    def _expect(self, case: _Case, tree: _Tree, victim: int, *, was_alive: bool) -> None:
        leads = victim == tree.leader
        conditions: dict[str, Callable[[StatusReply], bool]] = {
            # A leader's end is the run's end; of anybody else it is only one process less.
            "running": lambda info: (
                (info["state"], info["signal"]) == ("failed", "SIGKILL") if leads else info["state"] == "running"
            ),
            "stopping": lambda info: (
                info["state"] == "stopped" if leads or not is_alive(tree.leader) else info["state"] == "stopping"
            ),
            "ended": lambda info: (info["state"], info["signal"]) == ("failed", "SIGKILL"),
            "restarting": lambda info: info["state"] in ("restarting", "running", "starting"),
        }
        info = self.world.settled("tree", conditions[case.state], self._within, "wrong_state")
        if info is None:
            return
        if case.state in ("running", "ended") and not info["reason"]:
            self.world.find("wrong_state", f"no reason is told: {facts(info)}")
        if case.state == "ended" or (case.state == "running" and leads):
            left = sorted(
                pid for pid, child in evidence.alive(self.world.home).items() if child.run_id == info["run_id"]
            )
            if (
                self.world.settled("tree", lambda now: sorted(now["survivors"]) == left, self._within, "not_left")
                is None
            ):
                self.world.find("not_left", f"alive are {left}")

    def _fell(self, tree: _Tree, stopping: threading.Thread | None) -> None:
        for pid in tree.all():
            if stopping is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                wait_gone(pid)
        if stopping is not None:
            stopping.join(self._within)
            if stopping.is_alive():
                self.world.find("late", "the stop is not answered although nothing is left")
                stopping.join(60)
        self.world.client.stop_process(process="tree", force=True)
        left = [pid for pid in tree.all() if is_alive(pid)]
        if left:
            self.world.find("not_left", f"alive after the stop: {left}")
        info = self.world.status("tree")
        if info["ended_at"] is None or info["restart_at"] is not None:
            self.world.find("wrong_state", f"after the stop: {facts(info)}")
        if self._others() != self._untouched:
            self.world.find("others_touched", f"{self._untouched} are now {self._others()}")

    def _others(self) -> list[tuple[str, str, int | None]]:
        processes = self.world.client.list_processes(all_projects=True)["processes"]
        return [(each["run_id"], each["state"], each["pid"]) for each in processes if each["name"] != "tree"]
