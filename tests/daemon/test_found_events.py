"""Events of what nobody announces: ports, and questions. They are looked for while somebody watches them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.benchmarks.facts import activity
from tests.daemon.hub import Hub
from tests.kit import RawConnection, free_port, program
from tests.programs.ask import QUESTION

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel does not tell")

FOUND = ["port_opened", "port_closed", "waiting_for_input", "input_taken"]


@pytest.fixture
def events(hub: Hub) -> Callable[[], dict[str, Any]]:
    """Watches what is found; gives the next event."""
    connection = _watch(hub)
    return lambda: _next(connection)


def _watch(hub: Hub) -> RawConnection:
    hub.list()  # the first connection is for everything else
    connection = hub.connect()
    connection.call("watch_processes", working_directory=str(hub.project), types=FOUND)
    return connection


def _next(connection: RawConnection) -> dict[str, Any]:
    message = connection.read()
    assert message["method"] == "process_event"
    event: dict[str, Any] = message["params"]["event"]
    return event


def test_a_question_and_its_answer(hub: Hub, events: Callable[[], dict[str, Any]]) -> None:
    hub.start(program("ask", "by_input"), name="p")
    event = events()
    assert (event["type"], event["name"], event["run"]) == ("waiting_for_input", "p", 1)
    assert event["text"] == QUESTION.rstrip()
    hub.call("send_process_input", "p", input="y")
    assert events()["type"] == "input_taken"


def test_the_same_question_again(hub: Hub, events: Callable[[], dict[str, Any]]) -> None:
    hub.start(["sh", "-c", "while printf '> '; do read line; done"], name="p")
    assert events()["text"] == ">"
    hub.call("send_process_input", "p", input="y")
    assert [events()["type"], events()["type"]] == ["input_taken", "waiting_for_input"]


def test_typing_is_no_other_question(hub: Hub, events: Callable[[], dict[str, Any]]) -> None:
    hub.start(program("ask", "by_input"), name="p", tty=True)
    assert events()["type"] == "waiting_for_input"
    hub.call("send_process_input", "p", input="ye", newline=False)
    hub.await_line("p", "N. ye$")
    hub.call("send_process_input", "p", input="s")
    assert events()["type"] == "input_taken"


def test_a_port_and_its_end(hub: Hub, events: Callable[[], dict[str, Any]]) -> None:
    port = free_port()
    hub.start(program("http_server", port), name="p")
    event = events()
    assert (event["type"], event["name"], event["port"], event["address"]) == ("port_opened", "p", port, "127.0.0.1")
    hub.stop("p")
    event = events()
    assert (event["type"], event["port"]) == ("port_closed", port)


def test_a_port_that_was_open_is_no_news(hub: Hub) -> None:
    old, new = free_port(), free_port()
    hub.ready(program("http_server", old), name="old")
    connection = _watch(hub)
    hub.start(program("http_server", new), name="new")
    assert _next(connection)["port"] == new


def test_nobody_watches(own: Hub) -> None:
    """Neither a run that asks nor one that listens, nor a timer, wakes the daemon when nobody cares."""
    own.ready(program("sleeper"), name="limited", ttl_seconds=3600)
    own.ready(program("echo_stdin"), name="used")
    connection = _watch(own)
    own.ready(program("http_server", free_port()), name="listens")
    assert _next(connection)["type"] == "port_opened"
    own.start(program("ask", "by_input"), name="asks")
    assert _next(connection)["type"] == "waiting_for_input"
    connection.close()
    own.list()
    woken: list[int] = []
    while not woken or (min(woken) > 3 and len(woken) < 5):  # the end of the connection may still keep it busy
        before = activity(own.daemon.pid).switches
        time.sleep(1)  # what does not happen cannot be waited for
        woken.append(activity(own.daemon.pid).switches - before)
    assert min(woken) <= 3, woken
