"""kill -9 at random points of a start/stop/restart workload, and what must be true after each."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from persistproc_core.client import Client
from persistproc_core.errors import PersistprocError
from persistproc_core.paths import Home
from persistproc_core.protocol import ProcessInfo
from tests.crash import evidence
from tests.crash.workload import Caller
from tests.kit import eventually, wait_gone
from tests.kit.procs import mentions

__all__ = ["KINDS", "Campaign", "Figures"]

KINDS = {"daemon": ("daemon",), "keeper": ("keeper",), "both": ("daemon", "keeper")}
"""What is killed at a point, by the name of the kind."""

_PAUSES_MS = (1, 1.5, 2, 0.2)  # each another: who starts what runs already joins it
_VERBS_A_POINT = 2
_LONGEST_DELAY = 0.03


@dataclass
class Figures:
    """How often each promise was broken; all but ``points`` must be 0."""

    name: str
    points: int = 0
    lost: int = 0
    """Alive but unlisted, listed wrongly, or told of in a reply and gone."""
    duplicate: int = 0
    unreadable: int = 0
    bytes_lost: int = 0
    bytes_doubled: int = 0
    died: int = 0
    """Children that ended though nobody had asked for it."""
    errors: int = 0
    """Calls that were answered with an error although nothing was wrong with them."""
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)

    HEADER = "name n lost duplicate unreadable bytes_lost bytes_doubled died errors seconds"

    @property
    def clean(self) -> bool:
        """True when nothing was broken."""
        return not self.findings

    def __str__(self) -> str:
        numbers = (self.points, self.lost, self.duplicate, self.unreadable, self.bytes_lost, self.bytes_doubled)
        return f"{self.name} {' '.join(map(str, numbers))} {self.died} {self.errors} {self.seconds:.1f}"


class Campaign:
    """One home, a few callers, and a number of points at which something is killed."""

    def __init__(self, home: Home, kind: str, seed: int) -> None:
        self.figures = Figures(kind)
        self._home = home
        self._victims = KINDS[kind]
        self._chance = random.Random(f"{kind} {seed}")
        self._client = Client(home=home.path, name="crash-check", working_directory="/")
        self._callers = [
            Caller(home.path, f"w{number}", pause, random.Random(f"{kind} {seed} {number}"))
            for number, pause in enumerate(_PAUSES_MS)
        ]
        self._judged: set[str] = set()

    def run(self, points: int) -> Figures:
        """All points, then a clean end; the figures are complete then."""
        begun = time.monotonic()
        with ThreadPoolExecutor(len(self._callers)) as pool:
            for _ in range(points):
                self._point(pool)
                self._check()
                self.figures.points += 1
                self.figures.seconds = time.monotonic() - begun
        self._end()
        return self.figures

    # --- a point ------------------------------------------------------------------------------------------------------

    def _point(self, pool: ThreadPoolExecutor) -> None:
        pids = self._pids()
        fuse = threading.Event()
        lit, at = self._chance.randrange(len(self._callers)), self._chance.randrange(_VERBS_A_POINT)
        delay = self._chance.uniform(0, _LONGEST_DELAY)
        order = self._chance.sample(self._victims, len(self._victims))
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
                self._find("errors", f"{type(error).__name__}: {error.message} {error.data}")
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
        listed = self._client.list_processes(all_projects=True)["processes"]
        alive = evidence.alive(self._home)
        self._check_list(listed, alive)
        names = [run_id.partition(".")[0] for run_id in alive.values()]
        for name in set(names):
            self._find("duplicate", f"{names.count(name)} live runs of {name}: {alive}", names.count(name) - 1)
        self._check_records(set(alive.values()))

    def _check_list(self, listed: list[ProcessInfo], alive: dict[int, str]) -> None:
        shown = {process["run_id"]: process["pid"] for process in listed if process["ended_at"] is None}
        for pid, run_id in alive.items():
            if shown.get(run_id) != pid:
                self._find("lost", f"{run_id} lives as {pid}, listed are {shown}")
        for run_id in shown.keys() - alive.values():
            self._find("lost", f"{run_id} is listed as alive: {shown}, alive are {alive}")
        for caller in self._callers:
            if caller.run_id and caller.run_id not in alive.values():
                self._find("died", f"{caller.run_id} must be alive")
            elif not caller.run_id and any(run_id.startswith(f"{caller.name}.") for run_id in alive.values()):
                self._find("lost", f"{caller.name} was stopped and lives: {alive}")

    def _check_records(self, alive: set[str]) -> None:
        found, unreadable = evidence.records(self._home)
        for run_id in unreadable:
            self._find("unreadable", f"the record of {run_id}")
        for record in found:
            if record.run_id in alive:
                self._judge(record.run_id, must_end=False)
            elif record.released and record.run_id not in self._judged:
                self._judged.add(record.run_id)
                self._check_ended(record)

    def _check_ended(self, record: evidence.Record) -> None:
        if record.ran and not record.asked_to_end:
            self._find("died", f"{record.run_id} is {record.state} though nobody stopped it: {record}")
        # Exit code 0 is that of its handler. SIGTERM's own end came before the handler, so before the first line.
        self._judge(record.run_id, must_end=True if record.exit_code == 0 else None)

    def _judge(self, run_id: str, *, must_end: bool | None) -> None:
        lost, doubled = evidence.judge_run(self._home, run_id, must_end=must_end)
        self._find("bytes_lost", f"{lost} bytes of {run_id} (ended: {must_end})", lost)
        self._find("bytes_doubled", f"{doubled} bytes of {run_id} (ended: {must_end})", doubled)

    def _end(self) -> None:
        for caller in self._callers:
            caller.close()
        servants = mentions([], [self._home.path])
        self._client.shutdown_daemon(stop_processes=True, grace_seconds=5)
        for pid in servants:
            wait_gone(pid, 15)
        self._client.close()
        alive = evidence.alive(self._home)
        if alive:
            self._find("lost", f"alive after the end: {alive}", len(alive))
        self._check_records(set())
        for run_id in {run_id for caller in self._callers for run_id in caller.told} - self._judged:
            self._find("lost", f"{run_id} was told of in a reply; its record is gone or was never finished")

    def _find(self, what: str, text: str, count: int = 1) -> None:
        if count > 0:
            setattr(self.figures, what, getattr(self.figures, what) + count)
            self.figures.findings.append(f"{self.figures.name} point {self.figures.points}: {what}: {text}")
            sys.stderr.write(self.figures.findings[-1] + "\n")
