"""Waiting for an end, a line, a port; and hearing at once when it can no longer come."""

from __future__ import annotations

import time

import pytest

from tests.daemon.hub import Hub
from tests.kit import eventually, free_port, program


def test_for_the_end(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="p")
    waiting = hub.aside("wait_for_process", "p", exit=True)
    hub.call("signal_process", "p", signal="TERM")
    assert (waiting.result(5)["met"], waiting.result()["signal"]) == ("exit", "SIGTERM")


def test_for_an_end_that_was(hub: Hub) -> None:
    hub.finish(["sh", "-c", "exit 4"], name="p")
    assert hub.call("wait_for_process", "p", timeout_seconds=0)["exit_code"] == 4


def test_for_a_line_that_was_printed(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="p")
    reply = hub.call("wait_for_process", "p", output="re.dy")
    assert (reply["met"], reply["line"], reply["state"]) == ("output", "ready", "running")


def test_for_a_line_to_come(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="p")
    waiting = hub.aside("wait_for_process", "p", output="got: 7$")
    for number in range(10):
        hub.call("send_process_input", "p", input=str(number))
    assert waiting.result(5)["line"] == "got: 7"


def test_for_a_line_on_stderr(hub: Hub) -> None:
    hub.start(["sh", "-c", "echo listening >&2; sleep 1000"], name="p")
    assert hub.await_line("p", "listening") == "listening"


def test_for_a_prompt_without_newline(hub: Hub) -> None:
    hub.start(program("prompt"), name="p")
    assert hub.await_line("p", r"name\?") == "name? "


def test_for_a_line_in_a_flood(hub: Hub) -> None:
    hub.start(["sh", "-c", "seq 200000; sleep 1000"], name="p")
    assert hub.await_line("p", "^199999$") == "199999"


def test_colours_do_not_hide_a_line(hub: Hub) -> None:
    hub.start(["sh", "-c", "printf '\\033[32mready\\033[0m in 3 ms\\n'; sleep 1000"], name="p")
    assert hub.await_line("p", "^ready in") == "ready in 3 ms"


def test_for_the_last_line_of_an_ended_run(hub: Hub) -> None:
    hub.finish(program("abort_after_lines", 30), name="p")
    assert hub.await_line("p", "line 30 of 30")


def test_for_a_port(hub: Hub) -> None:
    port = free_port()
    hub.start(["sh", "-c", 'read line; "$@"', "sh", *program("http_server", port)], name="p")
    waiting = hub.aside("wait_for_process", "p", port=port)
    hub.call("send_process_input", "p", input="go")
    assert waiting.result(8)["met"] == "port"


def test_the_port_of_somebody_else_does_not_count(hub: Hub) -> None:
    port = free_port()
    hub.ready(program("http_server", port), name="other")
    hub.ready(program("sleeper"), name="p")
    assert hub.error("wait_for_process", "p", port=port, timeout_seconds=0.3).code == "wait_timed_out"


def test_the_first_of_several(hub: Hub) -> None:
    hub.start(program("exit_n", 3), name="p")
    reply = hub.call("wait_for_process", "p", exit=True, output="never printed", port=1)
    assert reply["met"] == "exit"


def test_too_long(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    before = time.monotonic()
    error = hub.error("wait_for_process", "p", output="never", timeout_seconds=0.2)
    assert 0.2 <= time.monotonic() - before < 20, "a minute is what a wait lasts without a word"
    assert (error.code, error.error["data"]["last_lines"]) == ("wait_timed_out", ["ready"])


@pytest.mark.parametrize("condition", [{"output": "never"}, {"port": 1}, {"output": "never", "port": 1}])
def test_ended_before(hub: Hub, condition: dict[str, object]) -> None:
    hub.ready(["sh", "-c", "echo ready; read line; echo boom >&2; exit 9"], name="p")
    waiting = hub.aside("wait_for_process", "p", **condition)
    hub.call("send_process_input", "p", input="")
    error = waiting.exception(5)
    assert getattr(error, "code", None) == "wait_failed"
    data = error.error["data"]  # type: ignore[union-attr]
    assert (data["exit_code"], data["last_lines"][-1]) == (9, "boom")


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "(?P<a>", "((a{1000}){1000}){1000}"])
def test_no_regular_expression(hub: Hub, pattern: str) -> None:
    hub.ready(program("sleeper"), name="p")
    assert hub.error("wait_for_process", "p", output=pattern).code == "invalid_params"


def test_a_regular_expression_that_takes_for_ever(hub: Hub) -> None:
    """The pattern is the client's, the time is everybody's."""
    hub.start(["sh", "-c", "printf '%s\\n' aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab; sleep 1000"], name="p")
    hub.await_line("p", "aab")
    waiting = hub.aside("wait_for_process", "p", output=r"(a|a|b?)+(a|aa)+(aa|a)+$x", timeout_seconds=20)
    lists = 0
    while not waiting.done():
        hub.list()
        lists += 1
    assert lists > 3, "others had to wait for it"
    error = waiting.exception(0)
    assert getattr(error, "code", None) == "invalid_params"


def test_a_waiter_that_hangs_up_is_forgotten(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    before = hub.connection.call("get_daemon_status")["connections"]
    with hub.daemon.connect() as connection:
        connection.send({"jsonrpc": "2.0", "id": 1, "method": "wait_for_process", "params": {"process": "p"}})
        hub.list()
    # Fewer, where the connection of a test before this one was just closing when they were counted.
    eventually(lambda: hub.connection.call("get_daemon_status")["connections"] <= before)


def test_a_restart_during_a_wait_is_the_end_of_that_run(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    waiting = hub.aside("wait_for_process", "p")
    hub.await_line("p", "ready")
    hub.call("restart_process", "p")
    assert waiting.result(5)["met"] == "exit"
