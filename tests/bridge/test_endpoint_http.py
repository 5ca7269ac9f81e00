"""MCP over raw HTTP: what stands on the wire, whatever a client's library makes of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.kit.bridge import Bridge

_HANDSHAKES = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
_MODERN = "2026-07-28"
_META = {
    "io.modelcontextprotocol/protocolVersion": _MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
}


class Wire:
    """One keep-alive connection."""

    def __init__(self, bridge: Bridge) -> None:
        self.connection = HTTPConnection("127.0.0.1", bridge.port, timeout=20)

    def send(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, str], Any]:
        """Status, headers with small names, and the JSON that came, also as the only event of a stream."""
        sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        self.connection.request(method, path, None if body is None else json.dumps(body), sent)
        response = self.connection.getresponse()
        text = response.read().decode()
        found = {name.lower(): value for name, value in response.getheaders()}
        if found.get("content-type", "").startswith("text/event-stream"):
            text = next(line[5:] for line in text.splitlines() if line.startswith("data:"))
        return response.status, found, json.loads(text) if text.startswith(("{", "[", " {")) else text

    def modern(self, method: str, path: str = "/mcp", /, **params: Any) -> tuple[int, dict[str, str], Any]:
        """A request of 2026-07-28, complete in itself."""
        headers = {"MCP_Protocol_Version": _MODERN, "Mcp_Method": method}
        name = params.get("name") or params.get("uri")
        if name:
            headers["Mcp_Name"] = name
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": _META}}
        return self.send("POST", path, body, **headers)


@pytest.fixture
def wire(bridge: Bridge) -> Iterator[Wire]:
    wire = Wire(bridge)
    yield wire
    wire.connection.close()


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
def test_both_paths_answer_without_a_redirect(wire: Wire, path: str) -> None:
    status, headers, answer = wire.modern("tools/list", path)
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert "mcp-session-id" not in headers
    assert [tool["name"] for tool in answer["result"]["tools"]][:2] == ["start_process", "stop_process"]


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_anything_but_post_is_refused_at_once(wire: Wire, method: str, path: str) -> None:
    # A stream that never ends is what some clients wait for when they look whether a login is needed.
    status, headers, _ = wire.send(method, path)
    assert status == 405
    assert headers["allow"] == "POST"


@pytest.mark.parametrize("version", _HANDSHAKES)
def test_every_older_version_is_negotiated_without_a_session(wire: Wire, version: str) -> None:
    client = {"name": "raw", "version": "1"}
    asked = {"protocolVersion": version, "capabilities": {}, "clientInfo": client}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": asked}
    status, headers, answer = wire.send("POST", "/mcp", body)
    assert status == 200
    assert "mcp-session-id" not in headers
    assert answer["result"]["protocolVersion"] == version
    assert answer["result"]["serverInfo"]["name"] == "persistproc"
    assert "persistproc" in answer["result"]["instructions"]
    assert (
        "subscribe" not in answer["result"]["capabilities"]["resources"]
        or not (answer["result"]["capabilities"]["resources"]["subscribe"])
    )
    # Another connection, and no initialize on it: there is no state.
    status, _, answer = wire.send(
        "POST", "/mcp", {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}, MCP_Protocol_Version=version
    )
    assert status == 200
    assert len(answer["result"]["tools"]) == 11


def test_what_is_offered_is_said_honestly(wire: Wire) -> None:
    _, _, answer = wire.modern("server/discover")
    result = answer["result"]
    assert result["supportedVersions"] == [_MODERN]
    assert result["capabilities"] == {
        "completions": {},
        "prompts": {"listChanged": False},
        "resources": {"listChanged": True, "subscribe": True},
        "tools": {"listChanged": False},
    }
    assert result["ttlMs"] > 0


def test_tools_may_be_cached_and_say_what_they_do(wire: Wire) -> None:
    _, _, answer = wire.modern("tools/list")
    assert answer["result"]["cacheScope"] == "public"
    hints = {tool["name"]: tool["annotations"] for tool in answer["result"]["tools"]}
    assert hints["list_processes"]["readOnlyHint"] is True
    assert hints["start_process"]["openWorldHint"] is True
    assert all(
        set(each) == {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"} for each in hints.values()
    )
    assert all("outputSchema" not in tool for tool in answer["result"]["tools"])
    # Claude Code shows its model these with their descriptions, and of the others the names.
    shown = [tool["name"] for tool in answer["result"]["tools"] if tool.get("_meta") == {"anthropic/alwaysLoad": True}]
    assert shown == ["start_process", "list_processes"]


@pytest.mark.parametrize(
    ("method", "params", "said"),
    [
        ("tools/call", {"name": "list_proceses", "arguments": {}}, "the tools are start_process"),
        ("resources/read", {"uri": "persistproc://nothing"}, "there is no resource"),
        ("resources/read", {"uri": "persistproc://processes/nobody/output"}, "there is no process"),
        ("prompts/get", {"name": "nothing"}, "the prompts are"),
        ("prompts/get", {"name": "diagnose_crash"}, "needs process"),
        ("prompts/get", {"name": "diagnose_crash", "arguments": {"proces": "x"}}, "it takes process"),
        (
            "completion/complete",
            {"ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "a", "value": ""}},
            "no prompt",
        ),
        (
            "completion/complete",
            {"ref": {"type": "ref/resource", "uri": "x://y"}, "argument": {"name": "a", "value": ""}},
            "no resource",
        ),
    ],
    ids=["tool", "resource", "process", "prompt", "missing", "unknown", "completed-prompt", "completed-resource"],
)
def test_what_is_not_there_is_an_error_that_helps(wire: Wire, method: str, params: dict[str, Any], said: str) -> None:
    _, _, answer = wire.modern(method, **params)
    assert answer["error"]["code"] == -32602
    assert said in answer["error"]["message"]
    if method == "resources/read":
        assert answer["error"]["data"] == {"uri": params["uri"]}


def test_a_tool_that_fails_says_so_in_its_result(wire: Wire) -> None:
    _, _, answer = wire.modern("tools/call", name="get_process_status", arguments={"process": "nobody"})
    assert answer["result"]["isError"] is True
    assert "nobody" in answer["result"]["content"][0]["text"]
    assert "structuredContent" not in answer["result"]


def test_a_name_of_the_handshake_is_the_one_that_people_know(wire: Wire, bridge: Bridge, tmp_path: Path) -> None:
    client = {"name": "codex-mcp-client", "version": "0.169.0"}
    asked = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": asked}
    wire.send("POST", "/mcp", body, User_Agent="node")
    arguments = {"command": "true", "name": "shaken", "working_directory": str(tmp_path), "timeout_seconds": 0}
    params = {"name": "start_process", "arguments": arguments}
    body = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}
    wire.send("POST", "/mcp", body, MCP_Protocol_Version="2025-06-18", User_Agent="node")
    with bridge.client(tmp_path) as daemon:
        started = daemon.get_process_status(process="shaken")["started_by"]
    assert (started["name"], started["version"]) == ("codex", "0.169.0")


def test_who_works_at_home_has_no_project_there(wire: Wire) -> None:
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "prompts/get",
        "params": {"name": "bring_project_up", "_meta": _META},
    }
    headers = {"MCP_Protocol_Version": _MODERN, "Mcp_Method": "prompts/get", "Mcp_Name": "bring_project_up"}
    _, _, answer = wire.send("POST", "/mcp", body, **headers, Persistproc_Directory=os.path.expanduser("~"))
    text = answer["result"]["messages"][0]["content"]["text"]
    assert text.startswith("Bring this project up")
    assert "in the project of" not in text


def test_conversations_of_one_process_are_told_apart(wire: Wire, bridge: Bridge, tmp_path: Path) -> None:
    arguments = {
        "command": "sleep 1000",
        "name": "told-apart",
        "working_directory": str(tmp_path),
        "timeout_seconds": 0,
    }
    meta = {"x-codex-turn-metadata": {"session_id": "s-1", "thread_id": "t-1"}}
    params = {"name": "start_process", "arguments": arguments, "_meta": meta}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    wire.send("POST", "/mcp", body, MCP_Protocol_Version="2025-06-18", User_Agent="codex-mcp-client/0.169.0")
    with bridge.client(tmp_path) as daemon:
        started = daemon.get_process_status(process="told-apart")["started_by"]
        daemon.stop_process(process="told-apart", grace_seconds=0)
    assert started["name"] == "codex"
    assert started["version"] == "0.169.0"
    assert started["session"] == "t-1"


@pytest.mark.parametrize("version", ["2025-11-25", _MODERN])
def test_a_look_up_is_answered_without_a_stream(wire: Wire, version: str, tmp_path: Path) -> None:
    def kind(tool: str, **arguments: object) -> str:
        params = {"name": tool, "arguments": {"working_directory": str(tmp_path), **arguments}}
        if version == _MODERN:
            _, headers, answer = wire.modern("tools/call", **params)
        else:
            body = {"jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": params}
            _, headers, answer = wire.send("POST", "/mcp", body, MCP_Protocol_Version=version)
        assert answer["result"]["content"][0]["text"]
        return headers["content-type"]

    for tool in ("list_processes", "get_process_status", "get_process_output"):
        assert kind(tool, **({} if tool == "list_processes" else {"process": "web"})) == "application/json"
    # What waits tells its progress meanwhile; the older versions open the stream at once for that.
    streamed = kind("wait_for_process", process="web", exit=True, timeout_seconds=1)
    assert streamed == ("application/json" if version == _MODERN else "text/event-stream")
