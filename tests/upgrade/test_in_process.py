"""Deadlines of a replacement, with the old daemon inside the test's own event loop, on both backends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from persistproc_core.daemon.app import Daemon
from persistproc_core.daemon.handover import replacing
from persistproc_core.daemon.handover.taking import Inherited
from persistproc_core.daemon.home.lock import HomeLock, take_lock
from persistproc_core.paths import Home
from tests.daemon.in_process import connected
from tests.kit import RawConnection, program, wait_gone
from tests.kit.daemon import environment

pytestmark = pytest.mark.anyio
FAKE = str(Path(__file__).with_name("fake_successor.py"))
HANGS = [sys.executable, "-c", "import time; time.sleep(600)"]


async def replace_error(home: Home, **params: object) -> str:
    async with connected(home) as client:
        error = (await client.call("replace_daemon", **params))["error"]
        assert error["data"]["error"] == "replace_failed"
        return str(error["message"])


async def test_deadlines(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.ensure()
    lock = take_lock(home)
    ready, over = anyio.Event(), anyio.Event()

    async def live() -> None:
        inherited = Inherited(0o022, (1024, 4096))
        await Daemon(home, HomeLock(home.lock, lock), inherited).run(ready.set)
        over.set()

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(live)
            await ready.wait()
            async with connected(home) as client:
                where = {"process": "p", "working_directory": str(tmp_path)}
                command = program("ignore_term")
                await client.call("start_process", command=command, name="p", working_directory=str(tmp_path))
                await client.call("wait_for_process", output="^ready", **where)
                keeper = (await client.call("get_daemon_status"))["result"]["keeper_pid"]

            monkeypatch.setattr(replacing, "_LOADED_SECONDS", 0.2)
            assert "not loaded within 0.2 s" in await replace_error(home, program=HANGS)
            monkeypatch.setattr(replacing, "_LOADED_SECONDS", 20.0)

            monkeypatch.setattr(replacing, "_READY_SECONDS", 0.2)
            assert "not ready within 0.2 s" in await replace_error(home, program=[sys.executable, FAKE, "silent"])
            monkeypatch.setattr(replacing, "_READY_SECONDS", 20.0)

            monkeypatch.setattr(replacing, "_VERBS_SECONDS", 0.2)
            group.start_soon(_stop, home, where)
            async with connected(home) as watching:
                await watching.call("wait_for_process", state="stopping", **where)
                assert "stop_process has not come to an end within 0.2 s" in await replace_error(home)
                monkeypatch.setattr(replacing, "_VERBS_SECONDS", 20.0)
            async with connected(home) as client:
                await client.call("signal_process", signal="KILL", **where)
                await client.call("wait_for_process", exit=True, **where)
            async with connected(home) as client:
                replaced = (await client.call("replace_daemon", environment=environment(home)))["result"]
            await over.wait()
    pid = replaced["pid"]
    assert replaced["previous_pid"] == os.getpid()
    with RawConnection(home.socket) as connection:
        assert connection.hello["pid"] == pid
        assert connection.call("get_process_status", **where)["state"] == "stopped"
        connection.call("shutdown_daemon")
    await anyio.to_thread.run_sync(wait_gone, pid)
    await anyio.to_thread.run_sync(wait_gone, keeper)
    for child in (pid, keeper):
        await anyio.to_thread.run_sync(os.waitpid, child, os.WNOHANG)  # here we are its parent


async def _stop(home: Home, where: dict[str, str]) -> None:
    """It goes on over the replacement that fails."""
    async with connected(home) as client:
        reply = await client.call("stop_process", grace_seconds=60, **where)
        assert reply["result"]["state"] == "stopped"
