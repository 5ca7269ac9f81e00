"""The daemon is no program of trio's alone: a round of verbs on both backends, inside the test's own event loop."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from persistproc_core.daemon.app import Daemon
from persistproc_core.daemon.handover.taking import Inherited
from persistproc_core.daemon.home.lock import HomeLock, take_lock
from persistproc_core.paths import Home
from tests.daemon.in_process import Wire, connected
from tests.kit import is_alive, program, wait_gone

pytestmark = pytest.mark.anyio


async def test_start_read_stop_and_shut_down(home: Home, tmp_path: Path) -> None:
    home.ensure()
    lock = take_lock(home)
    ready = anyio.Event()
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            inherited = Inherited(0o022, (1024, 4096))
            group.start_soon(Daemon(home, HomeLock(home.lock, lock), inherited).run, ready.set)
            await ready.wait()
            async with connected(home) as client:
                started = await client.result(
                    "start_process",
                    command=program("echo_stdin"),
                    name="p",
                    working_directory=str(tmp_path),
                    ports=[{}],
                )
                assert (await client.result("wait_for_process", process="p", output="ready"))["line"] == "ready"
                await client.result("send_process_input", process="p", input="hello")
                assert (await client.result("wait_for_process", process="p", output="got"))["line"] == "got: hello"
                (listed,) = (await client.result("list_processes"))["processes"]
                assert (listed["pid"], listed["state"]) == (started["pid"], "running")
                restarted = await client.result("restart_process", process="p")
                assert restarted["run"] == 2
                assert restarted["assigned_ports"] == started["assigned_ports"]
                assert not is_alive(started["pid"])
                for name, when in (("q", {"ready": {"command": "true"}}), ("r", {})):
                    server = program("http_server", 0, f"127.0.0.{ord(name)}")
                    seen = await client.result("start_process", command=server, name=name, wait=True, **when)
                    assert seen["readiness"]["outcome"] == "ready"
                    await client.result("stop_process", process=name)
                stopped = await client.result("stop_process", process="p")
                assert stopped["state"] == "stopped"
                await _adopt(client, tmp_path)
                keeper = (await client.result("get_daemon_status"))["keeper_pid"]
                await client.result("shutdown_daemon")
    os.close(lock)
    assert not is_alive(restarted["pid"])
    await anyio.to_thread.run_sync(wait_gone, keeper)  # with its last link
    await anyio.to_thread.run_sync(os.waitpid, keeper, os.WNOHANG)  # here we are its parent


async def _adopt(client: Wire, directory: Path) -> None:
    outside = await anyio.to_thread.run_sync(_outside, directory)
    await client.result("adopt_process", pid=outside.pid, name="outside")
    assert (await client.result("wait_for_process", process="outside", output="ready"))["line"] == "ready"
    meant = {"force": True, "reason": "the test is over", "grace_seconds": 5}
    assert (await client.result("stop_process", process="outside", **meant))["stopped_pids"] == [outside.pid]
    await anyio.to_thread.run_sync(outside.wait)


def _outside(directory: Path) -> subprocess.Popen[bytes]:
    with open(directory / "outside.log", "wb") as log:
        return subprocess.Popen(program("sleeper"), stdout=log, stderr=log, cwd=directory)
