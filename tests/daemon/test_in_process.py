"""The daemon is no program of trio's alone: a round of verbs on both backends, inside the test's own event loop."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from persistproc_core.daemon.app import Daemon
from persistproc_core.daemon.handover.taking import Inherited
from persistproc_core.daemon.home.lock import HomeLock, take_lock
from persistproc_core.paths import Home
from tests.kit import is_alive, program, wait_gone

pytestmark = pytest.mark.anyio


class _Client:
    """Just enough of a client, on anyio."""

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream
        self._lines = BufferedByteReceiveStream(stream)

    async def read(self) -> Any:
        return json.loads(await self._lines.receive_until(b"\n", 1 << 20))

    async def call(self, method: str, **params: object) -> Any:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        await self._stream.send(json.dumps(request).encode() + b"\n")
        return (await self.read())["result"]


async def test_start_read_stop_and_shut_down(home: Home, tmp_path: Path) -> None:
    home.ensure()
    lock = take_lock(home)
    ready = anyio.Event()
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            inherited = Inherited(0o022, (1024, 4096))
            group.start_soon(Daemon(home, HomeLock(home.lock, lock), inherited).run, ready.set)
            await ready.wait()
            async with await anyio.connect_unix(home.socket) as stream:
                client = _Client(stream)
                assert (await client.read())["method"] == "hello"
                started = await client.call(
                    "start_process", command=program("echo_stdin"), name="p", working_directory=str(tmp_path)
                )
                assert (await client.call("wait_for_process", process="p", output="ready"))["line"] == "ready"
                await client.call("send_process_input", process="p", input="hello")
                assert (await client.call("wait_for_process", process="p", output="got"))["line"] == "got: hello"
                (listed,) = (await client.call("list_processes"))["processes"]
                assert (listed["pid"], listed["state"]) == (started["pid"], "running")
                restarted = await client.call("restart_process", process="p")
                assert restarted["run"] == 2
                assert not is_alive(started["pid"])
                stopped = await client.call("stop_process", process="p")
                assert stopped["state"] == "stopped"
                keeper = (await client.call("get_daemon_status"))["keeper_pid"]
                await client.call("shutdown_daemon")
    os.close(lock)
    assert not is_alive(restarted["pid"])
    await anyio.to_thread.run_sync(wait_gone, keeper)  # with its last link
    await anyio.to_thread.run_sync(os.waitpid, keeper, os.WNOHANG)  # here we are its parent
