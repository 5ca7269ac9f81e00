"""Who waits for input: told with the question, told to whoever waits for something else, and never told wrongly."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.kit import eventually, free_port, program
from tests.programs.ask import QUESTION

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel does not tell")

TEXT = QUESTION.rstrip()


def asked(hub: Hub, text: str | None = TEXT) -> None:
    """Return when the process is shown as waiting with that text (None: as not waiting)."""
    eventually(lambda: hub.status("p")["waiting_for_input"] == text, what=f"it waits with {text!r}")


@pytest.mark.parametrize(
    ("way", "tty"),
    [
        *((way, False) for way in ("by_input", "by_poll", "by_epoll", "by_thread", "by_child", "on_stderr")),
        *((way, True) for way in ("by_input", "by_readline", "by_epoll")),
    ],
)
def test_a_question(hub: Hub, way: str, tty: bool) -> None:
    hub.start(program("ask", way), name="p", tty=tty)
    asked(hub)
    assert hub.list()["p"]["waiting_for_input"] == TEXT
    hub.call("send_process_input", "p", input="y")
    hub.await_line("p", "thanks")
    assert hub.list()["p"]["waiting_for_input"] is None


@pytest.mark.parametrize(
    ("command", "tty", "text"),
    [
        (["sh", "-c", "printf 'Delete it? '; read answer"], False, "Delete it?"),
        (["bash", "-c", "read -p 'Delete it? ' answer"], True, "Delete it?"),
        (["bash", "-c", "read -e -p 'Delete it? ' answer"], True, "Delete it?"),
        ([sys.executable, "-I", "-S", "-q", "-i", "-c", ""], True, ">>>"),
        (["sh", "-c", "printf '\\033[2J\\033[H\\033[1mName\\033[0m: '; read answer"], False, "Name:"),
        (["sh", "-c", "printf '%01000d? ' 7; read answer"], False, "0" * 498 + "7?"),
    ],
    ids=["sh", "bash", "bash-readline", "python", "clears-first", "long"],
)
def test_a_question_of_a_shell(hub: Hub, command: list[str], tty: bool, text: str) -> None:
    hub.start(command, name="p", tty=tty)
    asked(hub, text)


@pytest.mark.parametrize(
    ("way", "tty"),
    [
        *((way, False) for way in ("build", "server", "progress", "other_input")),
        *((way, True) for way in ("build", "server", "spinner", "full_screen")),
    ],
)
def test_no_question(hub: Hub, way: str, tty: bool) -> None:
    """Looked at twice: at once, and when it was quiet long enough."""
    hub.ready(program("look_busy", way), name="p", tty=tty)
    assert hub.status("p")["waiting_for_input"] is None
    if way == "spinner":
        hub.error("wait_for_process", "p", port=1, timeout_seconds=0.4)
    else:
        hub.call("wait_for_process", "p", idle_seconds=0.4)
    assert hub.status("p")["waiting_for_input"] is None


@pytest.mark.parametrize("condition", [{}, {"port": 1, "output": "never"}], ids=["exit", "others"])
def test_a_wait_is_told(hub: Hub, condition: dict[str, Any]) -> None:
    """It would never end by itself."""
    hub.start(program("ask", "by_input"), name="p")
    error = hub.error("wait_for_process", "p", timeout_seconds=10, **condition)
    assert (error.code, error.error["data"]["waiting_for_input"]) == ("wait_failed", TEXT)
    assert error.error["data"]["last_lines"] == [QUESTION]
    assert error.error["data"]["state"] == "running"
    assert "persistproc send p" in error.error["data"]["hint"]


def test_a_wait_for_silence_is_met_by_it(hub: Hub) -> None:
    hub.start(program("ask", "by_input"), name="p")
    hub.await_line("p", "Port 3000")
    reply = hub.call("wait_for_process", "p", idle_seconds=0.5)
    assert (reply["met"], reply["waiting_for_input"]) == ("idle", TEXT)


def test_a_wait_that_is_up_tells_the_question(hub: Hub) -> None:
    hub.start(program("ask", "by_input"), name="p")
    asked(hub)
    error = hub.error("wait_for_process", "p", port=1, timeout_seconds=0.1)
    assert (error.code, error.error["data"]["waiting_for_input"]) == ("wait_timed_out", TEXT)


def test_an_answer_in_time_does_not_disturb_a_wait(hub: Hub) -> None:
    port = free_port()
    command = ["sh", "-c", 'printf "sure? "; read line; exec "$@"', "sh", *program("http_server", port)]
    hub.start(command, name="p")
    waiting = hub.aside("wait_for_process", "p", port=port, timeout_seconds=10)
    asked(hub, "sure?")
    hub.call("send_process_input", "p", input="yes")
    assert waiting.result(10)["met"] == "port"


def test_a_wait_for_something_else_of_an_asking_process_is_not_disturbed_when_it_is_true(hub: Hub) -> None:
    hub.start(program("ask", "by_input"), name="p")
    assert hub.call("wait_for_process", "p", output="Port 3000")["line"] == QUESTION


def test_an_ended_run_asks_nothing(hub: Hub) -> None:
    hub.start(program("ask", "by_input"), name="p")
    asked(hub)
    hub.stop("p")
    assert hub.status("p")["waiting_for_input"] is None
