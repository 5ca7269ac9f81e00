"""``persistproc mcp`` beside a running bridge, in both eras of the protocol."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.bridge.relay import MODERN, Relay, modern, text_of
from tests.kit import program
from tests.kit.bridge import Bridge

MOST_KILOBYTES = 25 * 1024
CONNECTED_WITHIN = 10.0
"""Far more than it takes (0.15 s): the machine may be busy."""


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_the_older_versions(bridge: Bridge, tmp_path: Path, version: str) -> None:
    begun = time.monotonic()
    with Relay(bridge.home, tmp_path) as relay:
        result = relay.initialize(version=version)
        assert time.monotonic() - begun < CONNECTED_WITHIN
        assert result["protocolVersion"] == version
        assert result["serverInfo"]["name"] == "persistproc"
        tools = relay.ask("tools/list")["result"]["tools"]
        assert "start_process" in [tool["name"] for tool in tools]
        assert "no process" in text_of(relay.call("list_processes"))
        assert relay.end() == 0


def test_the_newest_version_and_who_calls(bridge: Bridge, tmp_path: Path) -> None:
    with Relay(bridge.home, tmp_path) as relay, bridge.client(tmp_path) as hub:
        found = relay.ask("server/discover", modern())["result"]
        assert MODERN in found["supportedVersions"]
        # Nobody says a directory: it is the one that the agent has started us in.
        arguments = {"command": " ".join(program("sleeper")), "name": "web", "output": "ready", "reason": "to see it"}
        relay.ask("tools/call", modern(name="start_process", arguments=arguments))
        status = hub.get_process_status(process="web")
        assert status["working_directory"] == str(tmp_path)
        assert status["started_by"]["name"] == "modern-agent"
        assert status["started_by"]["version"] == "2"
        if sys.platform == "linux":
            assert relay.kilobytes() < MOST_KILOBYTES
        hub.stop_process(process="web", force=True)


def test_the_name_of_the_handshake_is_told_with_each_call(bridge: Bridge, tmp_path: Path) -> None:
    with Relay(bridge.home, tmp_path) as relay, bridge.client(tmp_path) as hub:
        relay.initialize(name="Zed")
        command = " ".join(program("sleeper"))
        assert "web" in text_of(relay.call("start_process", command=command, name="web", output="ready"))
        started_by = hub.get_process_status(process="web")["started_by"]
        assert started_by["name"].lower() == "zed"
        assert started_by["pid"] is not None
        hub.stop_process(process="web", force=True)


def test_many_calls_at_once_and_progress(bridge: Bridge, tmp_path: Path) -> None:
    with Relay(bridge.home, tmp_path) as relay, bridge.client(tmp_path) as hub:
        hub.start_process(command=program("echo_stdin"), name="echo")
        hub.wait_for_process(process="echo", output="ready")
        wait = {"process": "echo", "output": "^got: the end", "timeout_seconds": 30}
        waiting = [relay.send("tools/call", {"name": "wait_for_process", "arguments": wait}) for _ in range(20)]
        # Not one behind the other: what waits does not hold up what does not.
        assert "echo" in text_of(relay.call("list_processes"))
        assert not any(relay.has_reply(request) for request in waiting)
        assert relay.call("send_process_input", process="echo", input="the end")["result"]["isError"] is False
        assert all("got: the end" in text_of(relay.reply(request)) for request in waiting)
        hub.stop_process(process="echo", force=True)


def test_a_stream_of_news(bridge: Bridge, tmp_path: Path) -> None:
    with (
        Relay(bridge.home, tmp_path) as relay,
        Relay(bridge.home, tmp_path) as idle,
        bridge.client(tmp_path) as hub,
    ):
        relay.send("subscriptions/listen", modern(notifications={"resourcesListChanged": True}))
        relay.until(relay.notifications)
        assert relay.notifications[0]["method"] == "notifications/subscriptions/acknowledged"
        hub.start_process(command=program("sleeper"), name="web")
        relay.until(relay.notifications, 2)
        assert relay.notifications[1]["method"] == "notifications/resources/list_changed"
        assert relay.end_beside(idle) == 0
        hub.stop_process(process="web", force=True)
