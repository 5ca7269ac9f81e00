"""`AsyncClient` beyond single calls: tasks, cancellation, and all methods on the real daemon; on asyncio and trio."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from persistproc_core import protocol
from persistproc_core.client import AsyncClient, piece_bytes
from persistproc_core.errors import (
    DaemonUnavailable,
    InvalidParams,
    InvalidRequest,
    ProcessNotFound,
    ProcessProtected,
)
from persistproc_core.paths import Home
from tests.client.line_server import Peer, answer, echo, line_server
from tests.kit import Daemon

pytestmark = pytest.mark.anyio


async def test_a_program_from_start_to_removal(daemon: Daemon, tmp_path: Path) -> None:
    with anyio.fail_after(50):
        async with AsyncClient(name="tests", working_directory=str(tmp_path)) as client:
            started = await client.start_process(command=["sh", "-c", "echo out; read x; echo got $x"], name="web")
            assert started["started_by"]["name"] == "tests"
            assert (await client.wait_for_process(process="web", output="^out$"))["line"] == "out"
            assert (await client.send_process_input(process="web", input="this"))["bytes"] == len("this\n")
            assert (await client.wait_for_process(process="web"))["exit_code"] == 0
            reply = await client.get_process_output(process="web", cursor="start", format="raw")
            assert b"".join(map(piece_bytes, reply["lines"])) == b"out\ngot this\n"
            assert len((await client.list_processes())["processes"]) == 1
            assert (await client.get_process_status(process="web"))["history"][0]["state"] == "exited"
            assert (await client.get_process_log_paths(process="web"))["run"] == 1
            assert (await client.restart_process(process="web"))["run"] == 2
            assert (await client.signal_process(process="web", signal="CONT"))["state"] == "running"
            assert (await client.stop_process(process="web"))["state"] == "stopped"
            assert (await client.remove_process(process="web"))["runs"] == 2
            with pytest.raises(ProcessNotFound):
                await client.get_process_status(process="web")
            assert (await client.get_daemon_status())["pid"] == client.hello["pid"] == daemon.pid
            assert (await client.discover())["openrpc"]


async def test_a_client_that_speaks_for_others_says_only_what_it_is_given(daemon: Daemon, tmp_path: Path) -> None:
    cursor = protocol.ClientInfo(name="cursor", version="3", pid=22, session="s")
    agent = protocol.ClientInfo(name="claude-code", pid=11)
    place = str(tmp_path)
    with anyio.fail_after(50):
        async with AsyncClient(name="bridge", speaks_for_others=True) as client:
            assert (await client.get_news(client=agent, working_directory=place))["events"] == []
            started = await client.start_process(
                command=["sleep", "100"], name="web", client=cursor, working_directory=place, protected=True
            )
            assert started["started_by"] == started["protected_by"] == cursor
            assert started["working_directory"] == place
            news = await client.get_news(client=agent, working_directory=place)
            assert [event["type"] for event in news["events"]] == ["started", "protected"]
            with pytest.raises(ProcessProtected) as refused:
                await client.stop_process(process="web", client=agent)
            assert refused.value.data["protected_by"] == cursor
            assert (await client.protect_process(process="web", protected=False, client=cursor))["protected_by"] is None
            assert (await client.list_processes())["processes"][0]["name"] == "web", (
                "from nowhere: those of all projects"
            )
            stopped = await client.stop_process(process="web", force=True)
            assert stopped["stopped_by"] == {"name": "unknown", "pid": os.getpid()}
            types: list[protocol.EventType] = ["unprotected"]
            async with await client.watch_processes(working_directory=place, after=0, types=types) as watch:
                async for notification in watch:
                    assert notification.event is not None
                    assert notification.event["by"] == cursor
                    break
            await client.remove_process(process="web", client=agent)


async def test_there_is_no_hello_before_a_connection(home: Home) -> None:
    with pytest.raises(DaemonUnavailable, match="not connected yet"):
        _ = AsyncClient().hello


async def test_tasks_get_their_own_replies(home: Home) -> None:
    wrong: list[object] = []

    async def work(number: int) -> None:
        for turn in range(20):
            text = f"{number}.{turn}"
            reply = await client.call("send_process_input", {"process": "web", "input": text})
            if not isinstance(reply, dict) or reply["input"] != text:
                wrong.append(reply)

    with line_server(home.socket, echo) as server, anyio.fail_after(30):
        async with AsyncClient() as client, anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(work, number)
    assert wrong == []
    assert len(server.seen) == 200
    assert server.connections <= 10


async def test_a_cancelled_call_leaves_no_reply_behind(home: Home) -> None:
    asked = threading.Event()

    def late(peer: Peer) -> None:
        peer.greet()
        request = peer.request()
        asked.set()
        peer.wait_closed()
        peer.reply(request, "late")

    async def cancel() -> None:
        # A call that was not sent yet would leave its connection as it was: to one that never answers.
        assert await anyio.to_thread.run_sync(asked.wait, 10)
        scope.cancel()

    with line_server(home.socket, late, answer):
        async with AsyncClient() as client, anyio.create_task_group() as tasks:
            with anyio.CancelScope() as scope:
                tasks.start_soon(cancel)
                await client.list_processes()
            reply = await client.call("get_daemon_status")
    assert scope.cancelled_caught
    assert isinstance(reply, dict)
    assert reply["method"] == "get_daemon_status"


async def test_a_large_request_is_sent_while_others_run(home: Home) -> None:
    text = "x" * 900_000
    with line_server(home.socket, echo), anyio.fail_after(30):
        async with AsyncClient() as client, anyio.create_task_group() as tasks:
            tasks.start_soon(client.call, "list_processes")
            reply = await client.call("send_process_input", {"input": text})
    assert isinstance(reply, dict)
    assert reply["input"] == text


async def test_reads_in_one_round_trip(daemon: Daemon, tmp_path: Path) -> None:
    with anyio.fail_after(50):
        async with AsyncClient(working_directory=str(tmp_path)) as client:
            listed, missing, news = await client.read_together(
                [("list_processes", {}), ("get_process_status", {"process": "nothing"}), ("get_news", {})]
            )
            assert listed == {"processes": []}
            assert isinstance(missing, ProcessNotFound)
            assert isinstance(news, dict)
            assert news["events"] == []
            with pytest.raises(InvalidParams, match="stop_process changes something"):
                await client.read_together([("list_processes", {}), ("stop_process", {"process": "web"})])
            assert (await client.list_processes())["processes"] == []


async def test_reads_are_asked_again_when_the_connection_is_lost(home: Home) -> None:
    def lose_the_first(peer: Peer) -> None:
        peer.greet()
        asked = peer.batch()
        if len(server.seen) > 1:
            # In any order (JSON-RPC 2.0, section 6).
            peer.send([{"jsonrpc": "2.0", "id": each["id"], "result": each["method"]} for each in reversed(asked)])

    with anyio.fail_after(20), line_server(home.socket, lose_the_first) as server:
        client = AsyncClient(home=home.path, autostart=False)
        assert await client.read_together([("list_processes", {}), ("list_marks", {})]) == [
            "list_processes",
            "list_marks",
        ]
        await client.aclose()


async def test_a_batch_that_is_refused_as_a_whole(home: Home) -> None:
    def refuse(peer: Peer) -> None:
        peer.greet()
        peer.batch()
        peer.send({"jsonrpc": "2.0", "id": None, "error": InvalidRequest("too many").to_wire()})

    with anyio.fail_after(20), line_server(home.socket, refuse):
        client = AsyncClient(home=home.path, autostart=False)
        with pytest.raises(InvalidRequest, match="too many"):
            await client.read_together([("list_processes", {})])
        await client.aclose()
