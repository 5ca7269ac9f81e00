"""What is new to a client: what others did and what happened, one piece for each happening, each told once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.daemon.subscriber import Subscriber
from tests.kit import free_port, program

OTHER = {"name": "cursor", "pid": 22}
SLEEPER = program("sleeper")


@pytest.fixture
def agent(hub: Hub) -> dict[str, Any]:
    """A client that the shared daemon does not know yet, which asks for the first time."""
    agent = {"name": "claude-code", "pid": 11, "session": str(hub.project)[-200:]}
    assert news(hub, agent) == []
    return agent


def news(hub: Hub, client: dict[str, Any], **params: Any) -> list[tuple[str, str]]:
    """Name and type of what is new."""
    return [(event["name"], event["type"]) for event in hub.call("get_news", client=client, **params)["events"]]


def test_the_first_time_there_is_none(hub: Hub) -> None:
    hub.finish(["false"], name="p", client=OTHER)
    client = {"name": "new", "pid": 1, "session": str(hub.project)[-200:]}
    first = hub.call("get_news", client=client)
    assert (first["events"], first["omitted"]) == ([], 0)
    assert first["sequence"] > 0
    assert news(hub, client) == []


def test_each_thing_once(hub: Hub, agent: dict[str, Any]) -> None:
    hub.ready(SLEEPER, name="p", client=OTHER)
    assert news(hub, agent) == [("p", "started")]
    hub.call("restart_process", "p", client=OTHER, reason="dependency update")
    reply = hub.call("get_news", client=agent)
    (restarted,) = reply["events"]
    assert (restarted["type"], restarted["by"], restarted["previous_run"]) == ("restarted", OTHER, 1)
    assert restarted["reason"] == "restarted by cursor: dependency update"
    hub.start(SLEEPER, name="p", fresh=True, client=OTHER)
    assert news(hub, agent) == [("p", "restarted")]
    hub.call("protect_process", "p", client=OTHER)
    hub.stop("p", client=OTHER)
    assert news(hub, agent) == [("p", "protected"), ("p", "stopped")]
    hub.call("remove_process", "p", client=OTHER)
    assert news(hub, agent) == [("p", "removed")]
    assert news(hub, agent) == []


def test_what_a_client_did_itself_is_not_news_to_it(hub: Hub, agent: dict[str, Any]) -> None:
    news(hub, OTHER)
    hub.ready(SLEEPER, name="p", client=agent)
    hub.call("restart_process", "p", client=agent)
    hub.call("protect_process", "p", client=agent)
    hub.stop("p", client=agent)
    hub.call("remove_process", "p", client=agent)
    assert news(hub, agent) == []
    assert [kind for _, kind in news(hub, OTHER)] == ["started", "restarted", "protected", "stopped", "removed"]


def test_what_happens_by_itself_is_news_to_all(hub: Hub, agent: dict[str, Any]) -> None:
    hub.finish(["sh", "-c", "exit 3"], name="p", client=agent)
    hub.finish(["true"], name="q", client=agent)
    events = hub.call("get_news", client=agent)["events"]
    assert [(event["type"], event["exit_code"]) for event in events] == [("failed", 3), ("exited", 0)]


@pytest.mark.parametrize("change", [{"session": "b"}, {"pid": 12}, {"name": "codex"}])
def test_another_conversation_is_another_client(hub: Hub, agent: dict[str, Any], change: dict[str, Any]) -> None:
    other = {**agent, **change}
    news(hub, other)
    hub.ready(SLEEPER, name="p", client=agent)
    assert news(hub, {**agent, "version": "9", "directory": "/"}) == []
    assert news(hub, other) == [("p", "started")]


def test_a_stop_and_a_later_restart_are_two_pieces(hub: Hub, agent: dict[str, Any]) -> None:
    hub.ready(SLEEPER, name="p", client=agent)
    hub.stop("p", client=OTHER)
    hub.call("restart_process", "p", client={"name": "third", "pid": 33})
    assert news(hub, agent) == [("p", "stopped"), ("p", "restarted")]


def test_half_of_a_restart_is_not_told(hub: Hub, agent: dict[str, Any]) -> None:
    """Whoever asks when the old run is gone and the new one is not there yet hears of the whole, later."""
    # Its leader ends at once, what it started drains until the test has asked.
    drained = hub.project / "drained"
    os.mkfifo(drained)
    hub.ready(program("wrapped_server", free_port(), drained), name="p", client=agent)
    watcher = Subscriber(hub, "watch_processes", types=["stopped", "restarted"])
    restart = hub.aside("restart_process", "p", client=OTHER)
    watcher.until_event("stopped")
    told = news(hub, agent)
    hub.finish(["true"], name="q", client=agent)
    told += news(hub, agent)
    assert not restart.done()
    with open(drained, "wb"):
        restart.result(10)
    told += news(hub, agent)
    assert told == [("q", "exited"), ("p", "restarted")]


def test_of_ones_project_or_of_all(hub: Hub, agent: dict[str, Any]) -> None:
    elsewhere = str(hub.project.parent)
    for number in range(2):
        hub.finish(["true"], name=f"here{number}", client=agent)
        hub.finish(["true"], name=f"there{number}", client=agent, working_directory=elsewhere)
        assert news(hub, agent) == [(f"here{number}", "exited")]
    assert news(hub, agent, all_projects=True) == [("there0", "exited"), ("there1", "exited")]
    assert news(hub, agent, working_directory=elsewhere) == []


def test_the_newest_and_how_many_more(hub: Hub, agent: dict[str, Any]) -> None:
    for number in range(12):
        hub.finish(["true"], name=f"p{number}", client=agent)
    reply = hub.call("get_news", client=agent, limit=3)
    assert [event["name"] for event in reply["events"]] == ["p9", "p10", "p11"]
    assert reply["omitted"] == 9
    assert news(hub, agent) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel does not tell")
def test_a_question(hub: Hub, agent: dict[str, Any]) -> None:
    hub.start(program("ask", "by_input"), name="p", client=agent)
    Subscriber(hub, "watch_processes", types=["waiting_for_input"]).until_event("waiting_for_input")
    assert news(hub, agent) == [("p", "waiting_for_input")]


def test_a_new_daemon_knows_nobody(hub: Hub, agent: dict[str, Any], restarted: Callable[[], Hub]) -> None:
    hub.finish(["true"], name="p", client=OTHER)
    restarted()
    assert news(hub, agent) == []
