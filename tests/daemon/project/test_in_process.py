"""Projects are no program of trio's alone: up, a change and down on both backends."""

from __future__ import annotations

import os
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from persistproc_core.daemon.app import Daemon
from persistproc_core.daemon.handover.taking import Inherited
from persistproc_core.daemon.home.lock import HomeLock, take_lock
from persistproc_core.paths import Home
from tests.daemon.in_process import Wire, connected
from tests.daemon.project.team import toml
from tests.kit import program, wait_gone

pytestmark = pytest.mark.anyio


def written(*api: str) -> str:
    ready = 'ready = { output = "^ready" }'
    db = ["[processes.db]", f"command = {toml(program('sleeper'))}", ready]
    return "\n".join([*db, "[processes.api]", f"command = {toml(program('sleeper'))}", ready, 'needs = ["db"]', *api])


async def up(client: Wire, directory: Path) -> dict[str, str]:
    digest = (await client.result("get_project", working_directory=str(directory)))["digest"]
    reply = await client.result("start_project", working_directory=str(directory), approve=digest)
    assert reply["ready"] is True
    return {each["name"]: each["outcome"] for each in reply["results"]}


async def test_up_a_change_and_down(home: Home, tmp_path: Path) -> None:
    home.ensure()
    lock = take_lock(home)
    ready = anyio.Event()
    file = tmp_path / "persistproc.toml"
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            inherited = Inherited(0o022, (1024, 4096))
            group.start_soon(Daemon(home, HomeLock(home.lock, lock), inherited).run, ready.set)
            await ready.wait()
            async with connected(home) as client:
                file.write_text(written(), encoding="utf-8")
                assert await up(client, tmp_path) == {"db": "started", "api": "started"}
                file.write_text(written("tty = true"), encoding="utf-8")
                assert await up(client, tmp_path) == {"db": "unchanged", "api": "restarted"}
                reply = await client.result("stop_project", working_directory=str(tmp_path))
                assert [each["name"] for each in reply["results"]] == ["api", "db"]
                keeper = (await client.result("get_daemon_status"))["keeper_pid"]
                await client.result("shutdown_daemon")
    os.close(lock)
    await anyio.to_thread.run_sync(wait_gone, keeper)  # with its last link
    await anyio.to_thread.run_sync(os.waitpid, keeper, os.WNOHANG)  # here we are its parent
