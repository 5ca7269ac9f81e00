"""A daemon that is being replaced lets go of the keeper, and takes it again when its successor did not come up."""

from __future__ import annotations

import os

import anyio
import anyio.to_thread
import pytest
from anyio.abc import TaskGroup

from persistproc_core.daemon.keeper import Keeper, KeptRun
from persistproc_core.daemon.log import Log
from persistproc_core.paths import Home
from tests.kit import wait_gone

pytestmark = pytest.mark.anyio


class Side:
    """One daemon's view of the keeper."""

    def __init__(self, home: Home) -> None:
        self.connections = 0
        self.log = Log(home.log)
        self.keeper = Keeper(
            home,
            self.log,
            on_connected=self._connected,
            on_started=lambda run_id: None,
            on_exited=lambda run_id, outcome: None,
            on_grew=lambda run_id: None,
        )

    async def _connected(self, kept: list[KeptRun]) -> None:
        self.connections += 1


async def test_two_daemons_take_turns_and_do_not_fight(home: Home) -> None:
    home.ensure()
    one, two = Side(home), Side(home)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            await group.start(one.keeper.run)
            pid = one.keeper.pid
            await adopt(one, home)
            await one.keeper.suspend()
            assert one.keeper.pid is None
            await group.start(two.keeper.run)
            assert two.keeper.pid == pid
            await asking_waits_until_resumed(group, one, two)
            await one.keeper.runs()
            assert one.connections == 2
            await one.keeper.release("r")
            group.cancel_scope.cancel()
    two.log.close()
    await ended(one, pid)


async def ended(side: Side, pid: int | None) -> None:
    """The keeper ends with its last link; here we are its parent."""
    side.log.close()
    assert pid is not None
    await anyio.to_thread.run_sync(wait_gone, pid)
    await anyio.to_thread.run_sync(os.waitpid, pid, os.WNOHANG)


async def adopt(side: Side, home: Home) -> None:
    """Give the keeper something to keep, or it would end with each link."""
    os.mkdir(os.path.join(home.runs, "r"))
    link = await side.keeper._connected()
    await link.request(b"adopt", b"r", os.fsencode(os.path.join(home.runs, "r")), b"1000000", b"")


async def asking_waits_until_resumed(group: TaskGroup, one: Side, two: Side) -> None:
    answered = anyio.Event()

    async def ask() -> None:
        assert [run.run_id for run in await one.keeper.runs()] == ["r"]
        answered.set()

    group.start_soon(ask)
    await two.keeper.runs()
    await anyio.wait_all_tasks_blocked()
    assert not answered.is_set()
    assert (one.connections, two.connections) == (1, 1)
    await two.keeper.suspend()
    one.keeper.resume()
    await answered.wait()


async def test_suspended_at_any_moment_of_its_connecting(home: Home) -> None:
    home.ensure()
    side = Side(home)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            await group.start(side.keeper.run)
            await adopt(side, home)
            pid = side.keeper.pid
            for steps in range(8):
                await side.keeper.suspend()
                assert side.keeper.pid is None
                side.keeper.resume()
                for _ in range(steps):
                    await anyio.lowlevel.checkpoint()
            await side.keeper.release("r")
            group.cancel_scope.cancel()
    await ended(side, pid)
