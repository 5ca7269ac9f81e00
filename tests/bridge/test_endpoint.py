"""MCP by the official Python client, in both eras: resources, prompts, completion, progress, cancellation, names."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import mcp_types as types
import pytest
from anyio.abc import TaskGroup
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from persistproc_core.client.sync import Client as DaemonClient
from tests.bridge.mcp import connected, said
from tests.kit import eventually, program, wait_gone
from tests.kit.bridge import Bridge

pytestmark = [pytest.mark.anyio]

both_eras = pytest.mark.parametrize("mode", ["auto", "legacy"])


@pytest.fixture
def anyio_backend() -> str:
    """The client's HTTP is asyncio's in this package of tests; the bridge's is so anyway."""
    return "asyncio"


@pytest.fixture
def daemon(bridge: Bridge, tmp_path: Path) -> Iterator[DaemonClient]:
    """The bridge's daemon without the bridge, in the test's own project; its processes are ended after the test."""
    with bridge.client(tmp_path) as client:
        yield client
        for process in client.list_processes()["processes"]:
            client.stop_process(process=process["name"], grace_seconds=0)
            client.remove_process(process=process["name"])


def text_in(contents: list[types.TextResourceContents | types.BlobResourceContents]) -> str:
    (content,) = contents
    assert isinstance(content, types.TextResourceContents)
    assert content.mime_type == "text/plain"
    return content.text


async def fewer_connections(daemon: DaemonClient, most: int) -> None:
    """Return when the daemon has no more connections than that."""
    # In a thread: the client under test needs the loop.
    await anyio.to_thread.run_sync(
        lambda: eventually(lambda: daemon.get_daemon_status()["connections"] <= most, what=f"{most} connections")
    )


@both_eras
async def test_resources_tell_what_the_tools_tell(
    bridge: Bridge, daemon: DaemonClient, tmp_path: Path, mode: str
) -> None:
    daemon.start_process(command=program("exit_n", 3), name="crasher")
    daemon.wait_for_process(process="crasher", exit=True)
    async with connected(bridge, mode) as client:
        listed = (await client.list_resources()).resources
        assert listed[0].uri == "persistproc://processes"
        uri = next(one.uri for one in listed if one.name == f"{tmp_path.name}/crasher")
        assert uri == f"persistproc://processes/{tmp_path.name}/crasher/output"
        templates = (await client.list_resource_templates()).resource_templates
        assert {one.uri_template.rsplit("/", 1)[1] for one in templates} == {"output", "status"}
        assert "crasher" in text_in((await client.read_resource("persistproc://processes")).contents)
        output = text_in((await client.read_resource(uri)).contents)
        assert "ready" in output
        tool = await client.call_tool("get_process_output", {"process": f"{tmp_path.name}/crasher"})
        assert isinstance(tool.content[0], types.TextContent)
        # Then come the news, which only a tool tells.
        assert tool.content[0].text.splitlines()[1:4] == output.splitlines()[1:4]
        status = text_in((await client.read_resource(uri.replace("/output", "/status"))).contents)
        assert "crasher" in status
        assert "3" in status


async def test_the_project_of_the_client(bridge: Bridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with connected(bridge) as client:
        with pytest.raises(MCPError, match=r"has no persistproc\.toml"):
            await client.read_resource("persistproc://project")
        (tmp_path / "persistproc.toml").write_text("[processes.web]\ncommand = 'sleep 1000'\n", "utf-8")
        text = text_in((await client.read_resource("persistproc://project")).contents)
        assert "persistproc.toml:\n" in text
        assert "sleep 1000" in text


async def test_a_folder_whose_name_is_no_utf8(bridge: Bridge, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    async with connected(bridge) as client, client.listen(resources_list_changed=True) as news:
        with bridge.client(folder) as daemon:
            daemon.start_process(command=[*program("exit_n", 0), "\x1b[31m\nobey"], name="odd")
            daemon.wait_for_process(process="odd", exit=True)
            # It is told of, and so is what comes after it.
            daemon.remove_process(process="odd")
            daemon.start_process(command=[*program("exit_n", 0), "\x1b[31m\nobey"], name="odd")
            daemon.wait_for_process(process="odd", exit=True)
            with anyio.fail_after(10):
                for _ in range(3):
                    assert type(await anext(news)).__name__ == "ResourcesListChanged"
            (found,) = [one for one in (await client.list_resources()).resources if one.name.endswith("/odd")]
            assert found.description is not None
            assert found.description.isprintable()
            assert "ready" in text_in((await client.read_resource(found.uri)).contents)
            daemon.remove_process(process="odd")


@both_eras
async def test_prompts_hold_what_is_true_now(bridge: Bridge, daemon: DaemonClient, tmp_path: Path, mode: str) -> None:
    daemon.start_process(command=["sh", "-c", "echo the database is gone; exit 3"], name="prompted")
    daemon.wait_for_process(process="prompted", exit=True)
    async with connected(bridge, mode) as client:
        names = [prompt.name for prompt in (await client.list_prompts()).prompts]
        assert names == ["diagnose_crash", "bring_project_up"]
        found = await client.get_prompt("diagnose_crash", {"process": f"{tmp_path.name}/prompted"})
        (message,) = found.messages
        assert isinstance(message.content, types.TextContent)
        assert "the database is gone" in message.content.text
        found = await client.get_prompt("bring_project_up", {"working_directory": str(tmp_path)})
        assert isinstance(found.messages[0].content, types.TextContent)
        assert "prompted" in found.messages[0].content.text
        assert str(tmp_path) in found.messages[0].content.text


async def test_names_are_completed(bridge: Bridge, daemon: DaemonClient, tmp_path: Path) -> None:
    for name in ("web-server", "web-worker", "database"):
        # Different ones: the same command would be joined.
        daemon.start_process(command=["echo", name], name=name)
    project = tmp_path.name
    prompt = types.PromptReference(name="diagnose_crash")
    template = types.ResourceTemplateReference(uri="persistproc://processes/{project}/{name}/output")
    async with connected(bridge) as client:
        found = await client.complete(prompt, {"name": "process", "value": f"{project}/WEB"})
        assert found.completion.values == [f"{project}/web-server", f"{project}/web-worker"]
        found = await client.complete(template, {"name": "project", "value": project[:-1]})
        assert project in found.completion.values
        found = await client.complete(template, {"name": "name", "value": "d"}, {"project": project})
        # What begins with it comes first.
        assert found.completion.values == ["database"]
        up = types.PromptReference(name="bring_project_up")
        found = await client.complete(up, {"name": "working_directory", "value": str(tmp_path)})
        assert found.completion.values == [str(tmp_path)]


async def test_a_wait_tells_its_progress_and_is_given_up_when_it_is_cancelled(
    bridge: Bridge, daemon: DaemonClient, tmp_path: Path
) -> None:
    daemon.start_process(command=program("sleeper"), name="endless")
    arguments = {"process": "endless", "exit": True, "timeout_seconds": 50, "working_directory": str(tmp_path)}
    # Both eras at once: the first progress is told after five seconds.
    async with connected(bridge, "auto") as modern, connected(bridge, "legacy") as legacy:
        async with anyio.create_task_group() as tasks:
            hearing = [start_waiting(tasks, client, arguments) for client in (modern, legacy)]
            with anyio.fail_after(20):
                for told in hearing:
                    await told.wait()
            waiting = daemon.get_daemon_status()["connections"]
            tasks.cancel_scope.cancel()
        # Each call to the daemon has a connection of its own; they are closed, so nobody waits there any more.
        await fewer_connections(daemon, waiting - 2)


def start_waiting(tasks: TaskGroup, client: Client, arguments: dict[str, Any]) -> anyio.Event:
    """Call wait_for_process in a task; the event is set when it told its progress."""
    told = anyio.Event()

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert total == arguments["timeout_seconds"]
        told.set()

    async def wait() -> None:
        await client.call_tool("wait_for_process", arguments, progress_callback=hear)

    tasks.start_soon(wait)
    return told


@both_eras
async def test_who_started_a_process_is_the_client_by_its_own_name(
    bridge: Bridge, daemon: DaemonClient, tmp_path: Path, mode: str
) -> None:
    async with connected(bridge, mode, name=f"agent-{mode}") as client:
        await said(client, "start_process", tmp_path, command="sleep 1000", name="named", timeout_seconds=0)
        started = daemon.get_process_status(process="named")["started_by"]
        assert started["name"] == f"agent-{mode}"
        assert started["version"] == "1.0"


async def test_who_listens_hears_of_a_crash_and_of_what_is_printed(
    bridge: Bridge, daemon: DaemonClient, tmp_path: Path
) -> None:
    daemon.start_process(command=program("echo_stdin"), name="talker")
    daemon.wait_for_process(process="talker", output="ready")
    output = f"persistproc://processes/{tmp_path.name}/talker/output"
    async with connected(bridge) as client:
        async with client.listen(resources_list_changed=True, resource_subscriptions=[output]) as news:
            daemon.send_process_input(process="talker", input="hello")
            with anyio.fail_after(10):
                assert getattr(await anext(news), "uri", None) == output
            daemon.start_process(command=["true"], name="newcomer")
            with anyio.fail_after(10):
                while type(await anext(news)).__name__ != "ResourcesListChanged":
                    pass
            daemon.signal_process(process="talker", signal="KILL")
            with anyio.fail_after(10):
                while getattr(await anext(news), "uri", None) != output:
                    pass
            listening = daemon.get_daemon_status()["connections"]
        # Two subscriptions, of events and of the output: nobody listens any more, so there is none.
        await fewer_connections(daemon, listening - 2)


async def test_a_name_that_is_of_one_process_again_is_followed(bridge: Bridge, tmp_path: Path) -> None:
    folders = [tmp_path / "a" / "twins", tmp_path / "b" / "twins"]
    for folder in folders:
        folder.mkdir(parents=True)
    with bridge.client(folders[0]) as first, bridge.client(folders[1]) as second:
        for daemon in (first, second):
            daemon.start_process(command=program("echo_stdin"), name="twin")
        output = "persistproc://processes/twins/twin/output"
        async with connected(bridge) as client, client.listen(resource_subscriptions=[output]) as news:

            async def told(seconds: float) -> bool:
                with anyio.move_on_after(seconds):
                    while getattr(await anext(news), "uri", None) != output:
                        pass
                    return True
                return False

            second.stop_process(process="twin", grace_seconds=0)
            second.remove_process(process="twin")
            while await told(0.5):
                pass  # of the end of the other one
            with anyio.fail_after(20):
                while True:
                    first.send_process_input(process="twin", input="x")
                    if await told(0.5):
                        break
        first.stop_process(process="twin", grace_seconds=0)
        first.remove_process(process="twin")


async def test_one_subscription_serves_all_who_listen(bridge: Bridge, daemon: DaemonClient) -> None:
    before = daemon.get_daemon_status()["connections"]
    async with (
        connected(bridge) as one,
        connected(bridge) as other,
        one.listen(resources_list_changed=True) as first,
        other.listen(resources_list_changed=True) as second,
    ):
        assert daemon.get_daemon_status()["connections"] <= before + 1
        daemon.start_process(command=["true"], name="seen-by-both")
        with anyio.fail_after(10):
            await anext(first)
            await anext(second)


async def test_tools_alone_never_change(bridge: Bridge, daemon: DaemonClient) -> None:
    before = daemon.get_daemon_status()["connections"]
    async with connected(bridge) as client, client.listen(tools_list_changed=True):
        assert daemon.get_daemon_status()["connections"] <= before


async def test_who_listens_is_told_when_the_bridge_ends(new_bridge: Callable[..., Bridge]) -> None:
    bridge = new_bridge()
    bridge.start()
    async with connected(bridge) as client, client.listen(resources_list_changed=True) as news:
        os.kill(bridge.pid, signal.SIGTERM)
        # In good order: else SubscriptionLost is raised.
        with anyio.fail_after(5):
            assert [one async for one in news if type(one).__name__ != "ResourcesListChanged"] == []
    await anyio.to_thread.run_sync(wait_gone, bridge.pid)
