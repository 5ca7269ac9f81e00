"""Five clients, three names, and everything that can be killed, against a model of a few lines.

The model is a dictionary; after each step it must be what the daemon lists and what the kernel knows.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import random
import signal
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, TypeVar, cast

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from persistproc_core.errors import NotRunning, PersistprocError, ProcessNotFound, StillRunning
from persistproc_core.protocol import RestartPolicy
from tests.fuzz.target import LiveTarget
from tests.fuzz.world import CLIENTS, NAMES, World
from tests.kit import eventually, wait_gone

__all__ = ["Expected", "Hub", "Model"]

clients = st.integers(0, CLIENTS - 1)
names = st.sampled_from(NAMES)
_ENDED = frozenset({"stopped", "exited", "failed", "lost"})


@dataclass
class Expected:
    """What a process must be listed as."""

    run: int
    run_id: str
    pid: int | None
    states: frozenset[str]
    autostart: bool = False

    @property
    def running(self) -> bool:
        """Whether it must run."""
        return "running" in self.states


_Step = TypeVar("_Step", bound=Callable[..., None])


def _told(step: _Step) -> _Step:
    """Write down what is done and what comes of it: Hypothesis tells only what it sees when it does it all again."""

    @functools.wraps(step)
    def doing(self: Hub, **values: object) -> None:
        if step.__name__ != "compare":
            self.steps.append(f"{step.__name__}({', '.join(f'{name}={value!r}' for name, value in values.items())})")
        try:
            step(self, **values)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            steps = "\n  ".join(self.steps)
            self.failures.append(f"{type(error).__name__}: {error} (line {where.lineno})\n  {steps}")
            raise

    return cast("_Step", doing)


class Hub(RuleBasedStateMachine):
    """Every rule leaves a quiet point: what it did has been answered."""

    world: World
    failures: ClassVar[list[str]]

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[str] = []

    @initialize()
    @_told
    def begin(self) -> None:
        self.world.forget_all()
        self.model: dict[str, Expected] = {}

    # --- verbs --------------------------------------------------------------------------------------------------------

    @rule(client=clients, name=names)
    @_told
    def start(self, client: int, name: str) -> None:
        info = self.world.start(client, name)
        before = self.model.get(name)
        assert info["already_running"] == bool(before and before.running)  # type: ignore[typeddict-item]
        if before is None or not before.running:
            assert info["run"] == (before.run + 1 if before else 1)
            self._runs(name, info["run"], info["run_id"], info["pid"])

    @rule(client=clients, name=names)
    @_told
    def restart(self, client: int, name: str) -> None:
        before = self.model.get(name)
        if before is None:
            self._refused(ProcessNotFound, lambda: self.world.restart(client, name))
            return
        info = self.world.restart(client, name)
        assert info["run"] == before.run + 1
        self._runs(name, info["run"], info["run_id"], info["pid"])

    @rule(client=clients, name=names)
    @_told
    def stop(self, client: int, name: str) -> None:
        before = self.model.get(name)
        if before is None:
            self._refused(ProcessNotFound, lambda: self.world.clients[client].stop_process(process=name))
            return
        info = self.world.clients[client].stop_process(process=name)
        assert info["already_stopped"] == (not before.running)
        if before.running:
            before.states = frozenset({"stopped"})

    @rule(client=clients, name=names)
    @_told
    def remove(self, client: int, name: str) -> None:
        before = self.model.get(name)
        ask = self.world.clients[client].remove_process
        if before is None:
            self._refused(ProcessNotFound, lambda: ask(process=name))
        elif before.running:
            self._refused(StillRunning, lambda: ask(process=name))
        else:
            ask(process=name)
            del self.model[name]

    @rule(client=clients, name=names, number=st.sampled_from(("KILL", "TERM", "CONT")))
    @_told
    def send_signal(self, client: int, name: str, number: str) -> None:
        before = self.model.get(name)
        ask = self.world.clients[client].signal_process
        if before is None or not before.running:
            kind = NotRunning if before else ProcessNotFound
            self._refused(kind, lambda: ask(process=name, signal=number))
            return
        ask(process=name, signal=number)
        if number != "CONT":
            self._ends(name, before, "failed", "lost")

    @rule(client=clients, name=names, autostart=st.booleans())
    @_told
    def configure(self, client: int, name: str, autostart: bool) -> None:
        ask = self.world.clients[client].configure_process
        if name not in self.model:
            self._refused(ProcessNotFound, lambda: ask(process=name, autostart=autostart))
            return
        ask(process=name, autostart=autostart, ttl_seconds=10**7)
        self.model[name].autostart = autostart

    # --- deaths -------------------------------------------------------------------------------------------------------

    @rule(name=names)
    @precondition(lambda self: any(each.running for each in self.model.values()))
    @_told
    def kill_child(self, name: str) -> None:
        before = self.model.get(name)
        if before is not None and before.running:
            self._kill(before)
            self._ends(name, before, "failed", "lost")

    @rule(
        client=clients,
        what=st.sampled_from(("daemon", "keeper", "keeper", "daemon keeper", "keeper daemon", "replace")),
        odds=st.integers(0, 2),
    )
    @_told
    def death(self, client: int, what: str, odds: int) -> None:
        """Of the hub itself. Not each time: a start of it takes longer than all the other rules together."""
        if odds:
            return
        self._dies(client, what)

    @rule(client=clients, name=names, policy=st.sampled_from(("always", "on-failure")), then=st.booleans())
    @_told
    def crash(self, client: int, name: str, policy: RestartPolicy, then: bool) -> None:
        """A child that is restarted by policy dies, and somebody stops or restarts it while that is planned."""
        before = self.model.get(name)
        if before is None or not before.running:
            return
        ask = self.world.clients[client]
        ask.configure_process(process=name, restart=policy)
        self._kill(before)
        ask.wait_for_process(process=name, exit=True, timeout_seconds=20)
        info = self.world.restart(client, name) if then else ask.stop_process(process=name)
        # The next run may or may not have been started by then.
        assert before.run <= info["run"] - then <= before.run + 1, info
        self._runs(name, info["run"], info["run_id"], info["pid"])
        if not then:
            self.model[name].states = _ENDED if info["run"] == before.run else frozenset({"stopped"})
        ask.configure_process(process=name, restart="never")

    @rule(
        name=names,
        seed=st.integers(0, 2**32),
        dies=st.sampled_from(("", "", "", "daemon", "keeper", "daemon keeper", "replace")),
    )
    @_told
    def race(self, name: str, seed: int, dies: str) -> None:
        """All at once on one name, and sometimes a death in the middle: any order is right, two live runs are not."""
        chance = random.Random(seed)
        verbs = (self.world.start, self.world.restart, self.world.stop, self.world.remove)
        acts: list[Callable[[], object]] = [
            partial(chance.choice(verbs), client, name) for client in range(CLIENTS - 1)
        ]
        if dies:
            acts.append(partial(self._dies, CLIENTS - 1, dies))
        for error in self.world.at_once(*acts):
            # The ends that these verbs may come to; anything else is a defect.
            assert error is None or isinstance(error, (ProcessNotFound, StillRunning)), error
        info = self.world.listed().get(name)
        if info is None:
            self.model.pop(name, None)
            return
        running = info["state"] == "running"
        before = self.model.get(name)
        self._runs(name, info["run"], info["run_id"], info["pid"])
        self.model[name].autostart = info["autostart"]
        if not running:
            self.model[name].states = frozenset({info["state"]}) & _ENDED
        assert before is None or info["run"] >= before.run or info["run_id"] != before.run_id

    # --- the model ----------------------------------------------------------------------------------------------------

    @invariant()
    @_told
    def compare(self) -> None:
        """Model, list and kernel say the same."""
        listed = self.world.listed(random.Random(len(self.model)).randrange(CLIENTS))
        assert listed.keys() == self.model.keys(), (sorted(listed), sorted(self.model))
        for name, info in listed.items():
            expected = self.model[name]
            told = (info["run"], info["run_id"], info["autostart"])
            assert told == (expected.run, expected.run_id, expected.autostart), (info, expected)
            assert info["state"] in expected.states, (info, expected)
            assert not expected.running or info["pid"] == expected.pid, (info, expected)
        alive = sorted(each.pid for each in self.model.values() if each.running and each.pid)
        # In the middle of its exec the kernel shows no environment of a process, so no marker either.
        eventually(lambda: self.world.alive() == alive, what=f"{self.world.alive()} are alive, not {alive}")

    def _runs(self, name: str, run: int, run_id: str, pid: int | None) -> None:
        before = self.model.get(name)
        self.model[name] = Expected(run, run_id, pid, frozenset({"running"}), bool(before and before.autostart))

    def _dies(self, client: int, what: str) -> None:
        if what == "replace":
            self.world.replace_daemon(client)
        else:
            self.world.kill(*what.split())

    def _kill(self, before: Expected) -> None:
        assert before.pid is not None
        os.kill(before.pid, signal.SIGKILL)
        wait_gone(before.pid)

    def _ends(self, name: str, before: Expected, *states: str) -> None:
        assert before.pid is not None
        wait_gone(before.pid)
        self.world.clients[0].wait_for_process(process=name, exit=True, timeout_seconds=20)
        before.states = frozenset(states)

    def _refused(self, kind: type[PersistprocError], act: Callable[[], object]) -> None:
        try:
            act()
        except kind:
            return
        raise AssertionError(f"that should have been {kind.__name__}")


class Model(LiveTarget):
    """One case is the seed of a few runs of the machine; repeated, Hypothesis makes what failed as short as it can."""

    name = "model"
    cases = 20_000
    most_seconds = float("inf")
    shrink_seconds = 0.0
    examples = 5
    steps = 40
    _phases: tuple[Phase, ...] = (Phase.generate,)

    def _begin(self, stack: ExitStack) -> None:
        self._world = World()
        stack.callback(self._world.close)

    def make(self, chance: random.Random) -> bytes:
        return b"%d" % chance.randrange(2**32)

    def repeat(self, case: bytes) -> None:
        # Minutes of it: each step that is left out is a run of its own.
        self._phases = (Phase.generate, Phase.shrink)
        self.check(case)

    def check(self, case: bytes) -> int:
        world = self._world

        class Seeded(Hub):
            pass

        Seeded.world = world
        wanted = settings(
            max_examples=self.examples,
            stateful_step_count=self.steps,
            deadline=None,
            database=None,
            print_blob=False,
            phases=self._phases,
            verbosity=Verbosity.normal,
            suppress_health_check=list(HealthCheck),
        )
        failures: list[str] = []
        Seeded.failures = failures
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                run_state_machine_as_test(seeded(int(case))(Seeded), settings=wanted)
        except Exception as error:
            # The last one is the shortest, where it was made shorter.
            told = failures[-1] if failures and len(self._phases) > 1 else next(iter(failures), str(error))
            raise AssertionError(told) from error
        return self.examples * self.steps
