"""When planned restarts are carried out: on a clock of the test's own, with dice that always fall the same way."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
import trio
from trio.testing import MockClock

from persistproc_core.daemon.events.journal import Journal
from persistproc_core.daemon.kernel.identity import boot_id
from persistproc_core.daemon.log import Log
from persistproc_core.daemon.model import Cause, Outcome, Process, Run
from persistproc_core.daemon.restarting.plans import Restarting
from persistproc_core.daemon.restarting.policy import Backoff
from persistproc_core.daemon.settings import Options
from persistproc_core.daemon.states import Event
from persistproc_core.daemon.tasks import Tasks
from persistproc_core.errors import StartFailed
from persistproc_core.protocol import RestartPolicy
from tests.daemon.unit.journals import make

STOP = Cause("stopped", {"name": "cursor"}, "lunch")


class Stage:
    """One process; its runs begin when they are started again, and end when the test says so."""

    def __init__(self, policy: RestartPolicy = "on-failure") -> None:
        self.process, run = make()
        self.process.options = Options(policy)
        self._begin(run)
        self.starts: list[tuple[float, int]] = []
        """When, and which number of the row."""
        self.written: list[int | None] = []
        self.fails = False
        self.started = anyio.Event()
        self.restarting: Restarting

    def _begin(self, run: Run) -> None:
        run.boot_id = boot_id()
        run.advance(Event.SPAWNED)
        run.launched.set()

    async def write(self, run: Run) -> None:
        self.written.append(run.next_restart)

    async def again(self, process: Process, old: Run, cause: Cause, restarts: int) -> None:
        assert process.lock.statistics().locked
        self.starts.append((anyio.current_time(), restarts))
        self.started.set()
        if self.fails:
            raise StartFailed("./serve was not found")
        _, run = make(old.number + 1)
        run.restarts = restarts
        self._begin(run)
        self.process.runs.append(run)
        self.restarting.began(process)

    def end(self, code: int = 1) -> None:
        run = self.process.runs[-1]
        run.finish(Outcome(code, None, time.time_ns()), "2026-01-01T00:00:01.000Z")
        self.restarting.ended(self.process, run)

    def reason(self) -> str | None:
        return self.process.runs[-1].reason

    @asynccontextmanager
    async def open(self, folder: Path, backoff: Backoff, dice: float) -> AsyncIterator[None]:
        log = Log(str(folder / "log"))
        async with anyio.create_task_group() as group:
            self.restarting = Restarting(
                Tasks(group, log),
                log,
                Journal(str(folder / "events.jsonl"), log),
                [self.process],
                write=self.write,
                backoff=lambda: backoff,
                dice=lambda: dice,
            )
            self.restarting.open(self)
            yield
            group.cancel_scope.cancel()
        log.close()


@pytest.mark.anyio
async def test_on_the_clock_of_either_event_loop(tmp_path: Path) -> None:
    stage = Stage()
    with anyio.fail_after(10):
        async with stage.open(tmp_path, Backoff(0.05), 1.0):
            began = anyio.current_time()
            stage.end()
            await stage.started.wait()
    assert stage.starts[0][0] - began >= 0.05


def played(scene: Callable[[], object]) -> None:
    """Run on a clock that jumps to the next timer whenever nothing else is to be done."""
    trio.run(scene, clock=MockClock(autojump_threshold=0))  # type: ignore[arg-type]


def test_exact_times_and_the_end_of_the_row(tmp_path: Path) -> None:
    stage = Stage()

    async def scene() -> None:
        async with stage.open(tmp_path, Backoff(), 1.0):
            began = anyio.current_time()
            while True:
                stage.end()
                if stage.process.plan is None:
                    break
                await trio.sleep(stage.process.plan.deadline - anyio.current_time() + 0.001)
            times = [round(at - began, 1) for at, _ in stage.starts]
            assert times == [0.5, 1.5, 3.5, 7.5, 15.5]
            assert [number for _, number in stage.starts] == [1, 2, 3, 4, 5]

    played(scene)
    assert stage.reason() == "exited with code 1; given up after 5 restarts in a row: persistproc restart p tries again"
    assert stage.process.restart_at is None


def test_what_is_told_while_it_waits(tmp_path: Path) -> None:
    stage = Stage()

    async def scene() -> None:
        async with stage.open(tmp_path, Backoff(8.0), 0.5):
            stage.end(3)
            plan = stage.process.planned
            assert plan is not None
            assert plan.words(anyio.current_time()) == "starts again in 4 s (1 of 5)"
            await trio.sleep(3.2)
            assert plan.words(anyio.current_time()) == "starts again in 1 s (1 of 5)"
            assert plan.words(anyio.current_time() + 1) == "starts again now (1 of 5)"
            assert stage.process.restart_at == plan.at

    played(scene)


def test_a_stop_in_the_pause_wins(tmp_path: Path) -> None:
    stage = Stage("always")

    async def scene() -> None:
        async with stage.open(tmp_path, Backoff(), 1.0):
            stage.end(0)
            async with stage.process.lock:
                assert await stage.restarting.cancel(stage.process, STOP)
                assert not await stage.restarting.cancel(stage.process, STOP)
            await trio.sleep(100)

    played(scene)
    assert stage.starts == []
    assert stage.written == [None]
    assert stage.process.runs[-1].stop == STOP
    assert stage.reason() == "exited with code 0; not started again: stopped by cursor: lunch"


def test_a_stop_at_the_moment_of_the_try_wins(tmp_path: Path) -> None:
    """It has the lock, and the pause is over: what waits for the lock then finds that it is not wanted any more."""
    stage = Stage()

    async def scene() -> None:
        async with stage.open(tmp_path, Backoff(), 1.0):
            stage.end()
            async with stage.process.lock:
                await trio.sleep(10)
                await stage.restarting.cancel(stage.process, STOP)
            await trio.sleep(10)

    played(scene)
    assert stage.starts == []


def test_a_start_by_hand_at_the_moment_of_the_try_is_the_only_one(tmp_path: Path) -> None:
    stage = Stage()

    async def scene() -> None:
        async with stage.open(tmp_path, Backoff(), 1.0):
            stage.end()
            async with stage.process.lock:
                await trio.sleep(10)
                await stage.again(stage.process, stage.process.runs[-1], STOP, 0)
            await trio.sleep(10)

    played(scene)
    assert [number for _, number in stage.starts] == [0]
    assert stage.process.plan is None


def test_what_cannot_be_started_counts(tmp_path: Path) -> None:
    stage = Stage()
    stage.fails = True

    async def scene() -> None:
        async with stage.open(tmp_path, Backoff(), 1.0):
            stage.end()
            await trio.sleep(1000)

    played(scene)
    assert [number for _, number in stage.starts] == [1, 2, 3, 4, 5]
    assert stage.written == [2, 3, 4, 5, None]
    assert stage.reason() == (
        "exited with code 1; restart 5 failed: ./serve was not found; "
        "given up after 5 restarts in a row: persistproc restart p tries again"
    )


@pytest.mark.parametrize("autostart", [True, False])
def test_what_turns_out_late_to_have_ended_with_the_machine(tmp_path: Path, autostart: bool) -> None:
    stage = Stage()
    stage.process.options = Options("always", autostart=autostart)
    stage.process.runs[-1].boot_id = "another boot"

    async def scene() -> None:
        async with stage.open(tmp_path, Backoff(), 1.0):
            await trio.sleep(1)
            assert stage.starts == [], "as far as is known it runs"
            stage.end()
            await trio.sleep(100)

    played(scene)
    assert [number for _, number in stage.starts] == ([0] if autostart else [])


@pytest.mark.parametrize("policy", ["never", "on-failure"])
def test_the_next_daemon_goes_on_only_where_that_is_still_wanted(tmp_path: Path, policy: RestartPolicy) -> None:
    stage = Stage(policy)
    run = stage.process.runs[-1]
    run.finish(Outcome(1, None, time.time_ns()), "2026-01-01T00:00:01.000Z")
    run.next_restart = 3

    async def scene() -> None:
        async with stage.open(tmp_path, Backoff(), 1.0):
            await trio.sleep(100)

    played(scene)
    assert [number for _, number in stage.starts] == ([] if policy == "never" else [3])


def test_another_boot_ends_what_was_planned(tmp_path: Path) -> None:
    stage = Stage()
    run = stage.process.runs[-1]
    run.finish(Outcome(1, None, time.time_ns()), "2026-01-01T00:00:01.000Z")
    run.next_restart, run.boot_id = 3, "another"

    async def scene() -> None:
        async with stage.open(tmp_path, Backoff(), 1.0):
            await trio.sleep(100)

    played(scene)
    assert stage.starts == []
    assert stage.written == [None]
