"""The daemon is no program of trio's alone: a round of verbs on both backends, inside the test's own event loop."""

from __future__ import annotations

import subprocess
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from persistproc_core.paths import Home
from tests.daemon.in_process import Wire, served
from tests.kit import is_alive, program

pytestmark = pytest.mark.anyio


async def test_start_read_stop_and_shut_down(home: Home, tmp_path: Path) -> None:
    async with served(home) as client:
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
    assert not is_alive(restarted["pid"])


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
