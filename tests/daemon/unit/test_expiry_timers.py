"""The timers of limits, where something goes wrong around them."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from persistproc_core.daemon.configuring import Configuring
from persistproc_core.daemon.events.journal import Journal
from persistproc_core.daemon.home.guard import HomeGuard
from persistproc_core.daemon.kernel.age import boot_seconds
from persistproc_core.daemon.lifecycle import Lifecycle
from persistproc_core.daemon.log import Log
from persistproc_core.daemon.model import Cause, Process, Run
from persistproc_core.daemon.registry import Registry
from persistproc_core.daemon.restarting.plans import Restarting
from persistproc_core.daemon.restarting.policy import Backoff
from persistproc_core.daemon.settings import Options
from persistproc_core.daemon.states import Event
from persistproc_core.daemon.store import Store
from persistproc_core.daemon.tasks import Tasks
from persistproc_core.daemon.usage.expiry import Expiry
from persistproc_core.daemon.usage.uses import Uses
from persistproc_core.errors import StorageFailed
from persistproc_core.protocol import ClientInfo
from tests.daemon.unit.journals import make

pytestmark = pytest.mark.anyio

ME: ClientInfo = {"name": "tests"}


class Stage:
    """One running process with limits; ``ended`` is set when it is to be ended."""

    def __init__(self, options: Options) -> None:
        self.process, self.run = make()
        self.process.options = options
        self.run.advance(Event.SPAWNED)
        self.run.launched.set()
        self.ended = anyio.Event()
        self.looks = 0
        self.look_fails = False
        self.lifecycle: Lifecycle

    async def _end(self, run: Run, cause: Cause) -> None:
        assert self.process.lock.statistics().locked
        run.state = "stopped"
        self.ended.set()

    async def _look(self, processes: Iterable[Process]) -> None:
        self.looks += 1
        if self.look_fails:
            raise OSError(errno.EMFILE, "Too many open files")

    @asynccontextmanager
    async def play(self, folder: Path) -> AsyncIterator[Configuring]:
        log = Log(str(folder / "log"))
        registry = Registry()
        self.run.directory = str(folder / "run")
        self.run.lease = boot_seconds()
        async with anyio.create_task_group() as group:
            tasks = Tasks(group, log)
            lifecycle = self.lifecycle = Lifecycle(tasks, log, Store(str(folder), HomeGuard(None)), registry)
            lifecycle.journal = Journal(str(folder / "events.jsonl"), log)
            lifecycle.uses = Uses(registry)
            lifecycle.restarting = Restarting(
                tasks, log, lifecycle.journal, registry, write=lifecycle.write, backoff=Backoff
            )
            lifecycle.expiry = Expiry(tasks, log, lifecycle.uses, lifecycle.restarting, end=self._end, look=self._look)
            registry.add(self.process)
            registry.add_run(self.process, self.run)
            lifecycle.expiry.open([self.process])
            yield Configuring(lifecycle)
            group.cancel_scope.cancel()
        log.close()


async def the_ttl_passes() -> None:
    await anyio.sleep(0.3)


async def start_in_vain(stage: Stage, configuring: Configuring) -> None:
    async with stage.process.lock, configuring.begin(stage.process, {"command": ["true"]}):
        await the_ttl_passes()
        raise StorageFailed("the disk is full")


async def test_a_start_that_fails_leaves_the_limit_of_what_runs(tmp_path: Path) -> None:
    stage = Stage(Options(ttl_seconds=0.1))
    async with stage.play(tmp_path) as configuring:
        with pytest.raises(StorageFailed):
            await start_in_vain(stage, configuring)
        with anyio.fail_after(5):
            await stage.ended.wait()


async def test_a_change_that_cannot_be_written_leaves_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(Options(ttl_seconds=0.1))

    async def full(run: Run, *, durable: bool = False) -> None:
        await the_ttl_passes()
        raise OSError(errno.ENOSPC, "No space left on device")

    async with stage.play(tmp_path) as configuring:
        monkeypatch.setattr(stage.lifecycle, "save", full)
        with pytest.raises(StorageFailed):
            await configuring.configure(stage.process, {"process": "p", "ttl_seconds": 0.0}, ME)
        with anyio.fail_after(5):
            await stage.ended.wait()


async def test_without_descriptors_the_ttl_goes_on(tmp_path: Path) -> None:
    stage = Stage(Options(ttl_seconds=0.3, idle_timeout_seconds=0.1))
    stage.look_fails = True
    async with stage.play(tmp_path):
        with anyio.fail_after(5):
            await stage.ended.wait()
        assert boot_seconds() - (stage.run.lease or 0.0) >= 0.3, "nobody could see who was connected"
    assert stage.looks > 1
