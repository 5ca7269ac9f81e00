"""kill -9 at random points of a start/stop/restart workload, and what must be true after each (suite ``random``)."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from persistproc_core.client import Client
from persistproc_core.errors import PersistprocError
from persistproc_core.paths import Home
from persistproc_core.protocol import ProcessInfo
from tests.crash import evidence
from tests.crash.figures import Figures
from tests.crash.stage import Order, in_parts, stage
from tests.crash.workload import Caller, cast_of
from tests.kit import eventually, wait_gone
from tests.kit.procs import mentions

__all__ = ["KINDS", "PROMISES", "Campaign", "run_kind"]

KINDS = {"daemon": ("daemon",), "keeper": ("keeper",), "both": ("daemon", "keeper")}
"""What is killed at a point, by the name of the kind."""

PROMISES = (
    "lost",  # alive but unlisted, listed wrongly, or told of in a reply and gone
    "duplicate",
    "unreadable",
    "bytes_lost",
    "bytes_doubled",
    "died",  # ended though nobody had asked for it
    "environment",  # another one than it was started with
    "exit_unknown",  # nobody knows how it ended
    "leaked",  # a zombie or a descriptor at the end
    "errors",  # a call that was refused although nothing was wrong with it
)

_VERBS_A_POINT = 2
_LONGEST_DELAY = 0.03
_POINTS_A_HOME = 125


def run_kind(kind: str, order: Order) -> Figures:
    """All points of one kind, in several homes; ``each``: of all kinds in turn."""
    full, rest = divmod(order.size, _POINTS_A_HOME)
    sizes = [_POINTS_A_HOME] * full + ([rest] if rest else [])
    parts = [order._replace(seed=order.seed * 1000 + number, size=size) for number, size in enumerate(sizes)]
    return in_parts(partial(_part, kind), parts, order.jobs)


def _part(kind: str, order: Order) -> Figures:
    figures = Figures(f"random-{kind}", PROMISES)
    callers = cast_of(order.seed)
    with stage(figures, order) as (home, _guard):
        Campaign(home, kind, order.seed, callers, figures).run(order.size)
    return figures


class Campaign:
    """One home, a few callers, and a number of points at which something is killed."""

    def __init__(self, home: Home, kind: str, seed: int, callers: list[Caller], figures: Figures) -> None:
        self.figures = figures
        self._home = home
        self._kind = kind
        self._victims = itertools.cycle([KINDS[kind]] if kind in KINDS else KINDS.values())
        self._chance = random.Random(f"{kind} {seed}")
        self._client = Client(home=home.path, name="crash-check", working_directory="/")
        self._callers = callers
        for caller in callers:
            caller.open(home.path)
        self._judged: set[str] = set()
        self._killed: set[str] = set()
        """Runs that this campaign itself killed."""
        self._ends_are_told = evidence.kernel_tells_ends()

    def run(self, points: int) -> Figures:
        """All points, then a clean end; the figures are complete then."""
        with ThreadPoolExecutor(len(self._callers)) as pool:
            held = self._held_when_idle(pool)
            for _ in range(points):
                self._point(pool)
                self._check()
                self.figures.n += 1
        self._end(held)
        return self.figures

    def _held_when_idle(self, pool: ThreadPoolExecutor) -> dict[str, int]:
        """How many descriptors daemon and keeper have open when all that was started once is stopped."""
        for verb in ("start", "stop"):
            for job in [pool.submit(caller.run, [verb], None, 0) for caller in self._callers]:
                job.result()
        for caller in self._callers:
            caller.close()
        pids = self._pids()
        eventually(lambda: not evidence.zombies(pids["keeper"]), 5, "the keeper reaps")
        return {name: evidence.descriptors(pid) for name, pid in pids.items()}

    # --- a point ------------------------------------------------------------------------------------------------------

    def _point(self, pool: ThreadPoolExecutor) -> None:
        pids = self._pids()
        fuse = threading.Event()
        lit, at = self._chance.randrange(len(self._callers)), self._chance.randrange(_VERBS_A_POINT)
        delay = self._chance.uniform(0, _LONGEST_DELAY)
        victims = next(self._victims)
        order = self._chance.sample(victims, len(victims))
        jobs = [
            pool.submit(caller.run, caller.script(_VERBS_A_POINT), fuse if number == lit else None, at)
            for number, caller in enumerate(self._callers)
        ]
        fuse.wait(60)
        time.sleep(delay)  # this is the random point itself; nothing waits for anything here
        for victim in order:
            os.kill(pids[victim], signal.SIGKILL)
        for job in jobs:
            error = job.exception()
            if isinstance(error, PersistprocError):
                self.figures.find("errors", f"{type(error).__name__}: {error.message} {error.data}")
            elif error is not None:
                raise error
        for victim in order:
            wait_gone(pids[victim])

    def _pids(self) -> dict[str, int]:
        found: dict[str, int] = {}

        def known() -> bool:
            status = self._client.get_daemon_status()
            found["daemon"], found["keeper"] = status["pid"], status["keeper_pid"] or 0
            return bool(found["keeper"])

        eventually(known, 10, "a keeper that is connected")  # nothing announces to a client that it was replaced
        return found

    # --- what must be true --------------------------------------------------------------------------------------------

    def _check(self) -> None:
        find = self.figures.find
        listed = self._client.list_processes(all_projects=True)["processes"]
        alive = evidence.alive(self._home)
        self._check_list(listed, {pid: child.run_id for pid, child in alive.items()})
        names = [child.run_id.partition(".")[0] for child in alive.values()]
        for name in set(names):
            find("duplicate", f"{names.count(name)} live runs of {name}: {alive}", names.count(name) - 1)
        for child in alive.values():
            for caller in self._callers:
                if child.run_id.startswith(f"{caller.name}.") and not self._has_its_environment(child, caller):
                    find("environment", f"{child} has another value than {caller.values}")
        self._check_records({child.run_id for child in alive.values()})
        self._kill_one_that_comes_back(alive)

    def _check_list(self, listed: list[ProcessInfo], alive: dict[int, str]) -> None:
        shown = {process["run_id"]: process["pid"] for process in listed if process["ended_at"] is None}
        for pid, run_id in alive.items():
            if shown.get(run_id) != pid:
                self.figures.find("lost", f"{run_id} lives as {pid}, listed are {shown}")
        for run_id in shown.keys() - alive.values():
            self.figures.find("lost", f"{run_id} is listed as alive: {shown}, alive are {alive}")
        newest = {process["name"]: process for process in listed}
        for caller in self._callers:
            now = newest.get(caller.name)
            if caller.comes_back and now is not None and caller.run_id in self._killed:
                # Its end was ours: it is to be started again, by itself.
                if now["state"] != "restarting" and now["run_id"] not in alive.values():
                    self.figures.find("died", f"{caller.name} does not come back: {now}")
            elif caller.run_id and caller.run_id not in alive.values():
                self.figures.find("died", f"{caller.run_id} must be alive: {now}")
            elif not caller.run_id and any(run_id.startswith(f"{caller.name}.") for run_id in alive.values()):
                self.figures.find("lost", f"{caller.name} was stopped and lives: {alive}")

    def _has_its_environment(self, child: evidence.Child, caller: Caller) -> bool:
        # Started again by itself after its daemon died, it has the daemon's: values are kept in memory only.
        return child.value in caller.values or (not child.value and caller.comes_back and bool(self._killed))

    def _kill_one_that_comes_back(self, alive: dict[int, evidence.Child]) -> None:
        for pid, child in alive.items():
            comes_back = any(caller.comes_back and child.run_id == caller.run_id for caller in self._callers)
            if comes_back and self._chance.random() < 0.3:
                self._killed.add(child.run_id)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _check_records(self, alive: set[str]) -> None:
        found, unreadable = evidence.records(self._home)
        for run_id in unreadable:
            self.figures.find("unreadable", f"the record of {run_id}")
        for record in found:
            if record.run_id in alive:
                self._judge(record, must_end=False)
            elif record.released and record.run_id not in self._judged:
                self._judged.add(record.run_id)
                self._check_ended(record)

    def _check_ended(self, record: evidence.Record) -> None:
        if record.ran and not record.asked_to_end and record.run_id not in self._killed:
            self.figures.find("died", f"{record.run_id} is {record.state} though nobody stopped it: {record}")
        told = self._kind == "daemon" or (self._kind == "keeper" and self._ends_are_told)
        if record.ran and record.exit_code is None and record.signal is None:
            if told:
                self.figures.find("exit_unknown", f"{record}")
            else:
                self.figures.note("ends unseen")
        # Exit code 0 is that of its handler. SIGTERM's own end came before the handler, so before the first line.
        self._judge(record, must_end=True if record.exit_code == 0 else None)

    def _judge(self, record: evidence.Record, *, must_end: bool | None) -> None:
        lost, doubled = evidence.judge_run(self._home, record, must_end=must_end, killed=record.run_id in self._killed)
        self.figures.find("bytes_lost", f"{lost} bytes of {record} (ended: {must_end})", lost)
        self.figures.find("bytes_doubled", f"{doubled} bytes of {record} (ended: {must_end})", doubled)

    def _end(self, held: dict[str, int]) -> None:
        for caller in self._callers:
            caller.run(["stop"], None, 0)
            caller.close()
        self._check_leaks(held)
        servants = mentions([], [self._home.path])
        self._client.shutdown_daemon(stop_processes=True, grace_seconds=5)
        for pid in servants:
            if pid != os.getppid():
                self._wait_servant(pid)
        self._client.close()
        alive = evidence.alive(self._home)
        if alive:
            self.figures.find("lost", f"alive after the end: {alive}", len(alive))
        self._check_records(set())
        for run_id in {run_id for caller in self._callers for run_id in caller.told} - self._judged:
            self.figures.find("lost", f"{run_id} was told of in a reply; its record is gone or was never finished")

    def _wait_servant(self, pid: int) -> None:
        if not evidence.is_warm(pid):
            wait_gone(pid, 15)

    def _check_leaks(self, held: dict[str, int]) -> None:
        pids = self._pids()
        for name, pid in pids.items():
            try:
                eventually(lambda pid=pid: not evidence.zombies(pid), 5)  # type: ignore[misc]
                eventually(lambda pid=pid, name=name: evidence.descriptors(pid) <= held[name], 5)  # type: ignore[misc]
            except TimeoutError:
                now = evidence.descriptors(pid)
                self.figures.find("leaked", f"{name}: {now} descriptors ({held}), zombies {evidence.zombies(pid)}")
