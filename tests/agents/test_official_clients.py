"""The official clients drive every tool: TypeScript (both packages, both eras) and Python, over HTTP and over stdio."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from persistproc_core.client.sync import Client as DaemonClient
from tests.agents import node
from tests.agents.tour import check, steps
from tests.kit import eventually
from tests.kit.bridge import Bridge

pytestmark = [pytest.mark.timeout(90)]

_RELAY = ["-m", "persistproc_cli", "mcp", "--no-port"]

over_both = pytest.mark.parametrize("transport", ["http", "stdio"])


@pytest.fixture
def daemon(bridge: Bridge, tmp_path: Path) -> Iterator[DaemonClient]:
    """The bridge's daemon, without the bridge; the processes of the test's project are ended after it."""
    with bridge.client(tmp_path) as client:
        yield client
        for process in client.list_processes()["processes"]:
            client.stop_process(process=process["name"], grace_seconds=0)


@over_both
@pytest.mark.parametrize("sdk", ["v1", "legacy", "modern"])
def test_typescript(
    bridge: Bridge, daemon: DaemonClient, tmp_path: Path, node_modules: Path, sdk: str, transport: str
) -> None:
    tour = steps(tmp_path, f"{sdk}-{transport}")
    before = daemon.get_daemon_status()["connections"]
    target: dict[str, Any] = {"url": bridge.mcp_url}
    if transport == "stdio":
        target = {"command": sys.executable, "args": _RELAY, "cwd": str(tmp_path)}
    seen = node.run_json(
        *("node", str(node.HERE / "drive.mjs"), sdk, json.dumps(target)),
        within=60,
        given=json.dumps([[step.tool, step.arguments] for step in tour]),
        variables=bridge.environment(),
    )
    for step, answer in zip(tour, seen["answers"], strict=True):
        check(step, answer["text"], answer["failed"])
    assert sorted({step.tool for step in tour}) == sorted(seen["tools"])
    assert "persistproc://processes" in seen["resources"]
    assert f"{sdk}-{transport}" in seen["processes"]
    assert seen["prompts"] == ["diagnose_crash", "bring_project_up"]
    assert seen["given_up_after_ms"] < 5_000
    _is_theirs(daemon, f"{sdk}-{transport}", f"typescript-{sdk}")
    # Ours, and what the bridge keeps for the next call; it closed the one that the wait had.
    most = max(before - 1, 1)
    eventually(lambda: daemon.get_daemon_status()["connections"] <= most, what="the wait was given up")


@pytest.mark.anyio
@over_both
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_python(bridge: Bridge, daemon: DaemonClient, tmp_path: Path, mode: str, transport: str) -> None:
    server: str | StdioServerParameters = bridge.mcp_url
    if transport == "stdio":
        environment = bridge.environment()
        server = StdioServerParameters(command=sys.executable, args=_RELAY, env=environment, cwd=tmp_path)
    info = types.Implementation(name=f"python-{mode}", version="1.0")
    name = f"python-{mode}-{transport}"
    async with Client(server, mode=mode, client_info=info, read_timeout_seconds=30) as client:
        for step in steps(tmp_path, name):
            result = await client.call_tool(step.tool, step.arguments)
            (content,) = result.content
            assert isinstance(content, types.TextContent)
            check(step, content.text, result.is_error)
    _is_theirs(daemon, name, f"python-{mode}")


def _is_theirs(daemon: DaemonClient, process: str, client: str) -> None:
    status = daemon.get_process_status(process=process)
    assert status["started_by"]["name"] == client
    assert status["started_by"]["version"] == "1.0"
