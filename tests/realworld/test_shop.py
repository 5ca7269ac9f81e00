"""A real project, brought up by one command: by a person in a terminal, and by two agents in two git work trees."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.to_thread
import pytest
from mcp.client import Client as McpClient

from persistproc_core.paths import Home
from tests.bridge.mcp import connected, said
from tests.cli.support import Cli
from tests.kit import Guard, eventually, marked, wait_gone
from tests.kit.bridge import Bridge
from tests.realworld.shop import ITEMS, answer, item_names, make_shop, missing_programs, second_tree

NAMES = ["api", "db", "migrate", "web"]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The repository, where every user may go: PostgreSQL does not run as root."""
    missing = missing_programs()
    if missing:
        pytest.skip(f"{' and '.join(missing)} is not installed")
    # uvicorn lies beside the interpreter.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    folder = Path(tempfile.mkdtemp(prefix="shop-"))
    folder.chmod(0o755)
    yield make_shop(folder)
    shutil.rmtree(folder, ignore_errors=True)


def processes(cli: Cli) -> dict[str, dict[str, Any]]:
    """What is in the list, by name."""
    return {str(info["name"]): info for info in cli.processes()}


def up(cli: Cli, *words: str) -> str:
    """``persistproc up`` on a terminal, with yes to what it shows; returns what it printed."""
    with cli.terminal("up", *words) as terminal:
        asked = terminal.wait_for(r"bring it up\? \[y/N\] ", within=60)
        terminal.type("y\r")
        code = terminal.wait(within=180)
        told = asked + terminal.output.decode("utf-8", "replace")
    assert code == 0, told
    return told


def bindable(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def nothing_is_left(found: dict[str, dict[str, Any]]) -> None:
    """No process of these runs, and nobody on their ports."""
    for info in found.values():
        assert marked("PERSISTPROC_RUN", str(info["run_id"])) == []
        for port in cast("dict[str, int]", info["assigned_ports"]).values():
            assert bindable(port), info["name"]


@pytest.mark.timeout(600)
def test_a_person_in_a_terminal(home: Home, shop: Path) -> None:
    cli = Cli(home, shop)
    told = up(cli)
    assert "was never allowed to run" in told
    assert "uvicorn app:app --port" in told
    first = processes(cli)
    assert sorted(first) == NAMES
    assert all(info["ready"] for info in first.values()), first
    assert {name: info["state"] for name, info in first.items() if name != "migrate"} == dict.fromkeys(
        ["api", "db", "web"], "running"
    )
    # In their order: each was started when what it needs was ready.
    assert first["db"]["ready_at"] <= first["migrate"]["started_at"]
    assert first["migrate"]["ready_at"] <= first["api"]["started_at"]
    assert first["api"]["ready_at"] <= first["web"]["started_at"]
    web = str(first["web"]["url"]).rstrip("/")
    assert b"<title>shop</title>" in answer(web)
    assert item_names(web) == ITEMS

    # One command changes: one restart.
    file = shop / "persistproc.toml"
    file.write_text(file.read_text("utf-8").replace("--lifespan off", "--lifespan off --no-access-log"), "utf-8")
    assert "has changed since it was allowed" in up(cli)
    second = processes(cli)
    assert {name for name in NAMES if second[name]["run_id"] != first[name]["run_id"]} == {"api"}
    assert second["api"]["assigned_ports"] == first["api"]["assigned_ports"]
    assert "command" in str(second["api"]["start_reason"])
    assert item_names(web) == ITEMS

    # Who kills the database sees it said, and brings it back.
    os.kill(cast("int", second["db"]["pid"]), signal.SIGKILL)
    eventually(lambda: processes(cli)["db"]["state"] == "failed", 20, "the end of the database")
    assert "SIGKILL" in cli("status", "db", check=0).stdout
    assert "SIGKILL" in cli("project").stdout
    cli("up", check=0)
    third = processes(cli)
    assert {name for name in NAMES if third[name]["run_id"] != second[name]["run_id"]} <= {"db", "migrate"}
    assert item_names(web) == ITEMS

    cli("down", check=0)
    assert {info["state"] for info in processes(cli).values()} == {"stopped", "exited"}
    nothing_is_left(third)
    cli("shutdown", "--yes", check=0)


# --- two work trees, two agents -------------------------------------------------------------------------------------


@pytest.fixture
def bridge(guard: Guard, home: Home, shop: Path) -> Iterator[Bridge]:
    """What the agents talk to."""
    bridge = Bridge(guard, home, {"PATH": os.environ["PATH"]})
    bridge.start()
    yield bridge
    bridge.tear_down()


def kill_daemon(bridge: Bridge) -> None:
    """As the kernel does when memory runs out."""
    with bridge.client() as client:
        pid = client.hello["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_gone(pid)


async def bring_up(client: McpClient, tree: Path) -> None:
    """As an agent does: again, as long as it is told that more time is needed."""
    for _ in range(5):
        result = await client.call_tool("start_project", {"working_directory": str(tree), "timeout_seconds": 25})
        text = result.content[0].text  # type: ignore[union-attr]
        if not result.is_error:
            assert " is up" in text
            return
    raise AssertionError(text)


async def urls(client: McpClient, tree: Path) -> dict[str, str]:
    """Where each process listens, as an agent reads it."""
    text = await said(client, "get_project", tree)
    rows = [re.split(r"\s{2,}", line) for line in text.split("\n")[2:]]
    return {row[0]: row[3] for row in rows if len(row) > 3 and row[3] != "-"}


@pytest.mark.anyio
@pytest.mark.timeout(600)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_two_agents_in_two_work_trees(bridge: Bridge, home: Home, shop: Path) -> None:
    trees = [shop, await anyio.to_thread.run_sync(second_tree, shop)]
    async with contextlib.AsyncExitStack() as stack:
        agents = [await stack.enter_async_context(connected(bridge, name=name)) for name in ("claude-code", "cursor")]
        await refused(agents, trees)
        # The person looks at it in one tree, and lets it run; the other one says the same. The rest is the agents'.
        await anyio.to_thread.run_sync(up, Cli(home, shop), "migrate")
        async with anyio.create_task_group() as group:
            for agent, tree in zip(agents, trees, strict=True):
                group.start_soon(bring_up, agent, tree)
        before = [await anyio.to_thread.run_sync(processes, Cli(home, tree)) for tree in trees]
        ports = [{name: info["assigned_ports"] for name, info in found.items()} for found in before]
        taken = [port for found in ports for its in found.values() for port in its.values()]
        assert len(taken) == len(set(taken)) == 6, ports
        where = [await urls(agent, tree) for agent, tree in zip(agents, trees, strict=True)]
        await anyio.to_thread.run_sync(each_has_its_own, where)

        await anyio.to_thread.run_sync(kill_daemon, bridge)
        assert [await urls(agent, tree) for agent, tree in zip(agents, trees, strict=True)] == where
        after = [await anyio.to_thread.run_sync(processes, Cli(home, tree)) for tree in trees]
        for old, new in zip(before, after, strict=True):
            assert {name: info["run_id"] for name, info in old.items()} == {
                name: info["run_id"] for name, info in new.items()
            }
        for place in where:
            assert await anyio.to_thread.run_sync(item_names, place["web"])

        # Taken down and brought up again, they have the same ports.
        assert "Stopped web, api, db of shop-fix." in await said(agents[1], "stop_project", trees[1], reason="lunch")
        await bring_up(agents[1], trees[1])
        assert (await urls(agents[1], trees[1])) == where[1]
        for agent, tree in zip(agents, trees, strict=True):
            await said(agent, "stop_project", tree, reason="the day is over")
        for found in [await anyio.to_thread.run_sync(processes, Cli(home, tree)) for tree in trees]:
            await anyio.to_thread.run_sync(nothing_is_left, found)


async def refused(agents: list[McpClient], trees: list[Path]) -> None:
    """What nobody has allowed an agent does not start."""
    for agent, tree in zip(agents, trees, strict=True):
        result = await agent.call_tool("start_project", {"working_directory": str(tree)})
        assert result.is_error
        assert "ask the user to run `persistproc up`" in result.content[0].text  # type: ignore[union-attr]


def each_has_its_own(where: list[dict[str, str]]) -> None:
    """Each front end shows the items of its own database."""
    assert [item_names(place["web"]) for place in where] == [ITEMS, ITEMS]
    answer(f"{where[1]['web']}/api/items", b"lamp")
    assert [item_names(place["web"]) for place in where] == [ITEMS, [*ITEMS, "lamp"]]
