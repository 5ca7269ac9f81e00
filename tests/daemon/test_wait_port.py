"""Waiting for a port: told at once, whatever else listens there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.daemon.hub import Hub, in_thread
from tests.kit import WireError, eventually, free_port, program

PROMPT = 0.1
"""Seconds from listen(2) to the reply; on a quiet machine it takes a tenth of it."""


def timed(hub: Hub, process: str, **params: Any) -> Any:
    """Begin to wait; the future has the reply and when it came, on the clock of the children."""
    connection = hub.connect()
    params = {"process": process, "working_directory": str(hub.project), "timeout_seconds": 10, **params}
    connection.ask("wait_for_process", params)
    return in_thread(lambda: (connection.result(), time.monotonic()))


def assert_prompt(hub: Hub, delay: Callable[[int], float], most: float = PROMPT) -> None:
    """At the moment: once in a few times, for a busy machine may hold up the one or the other.

    ``delay(port)``: how long it took for one process more, which is called p.
    """
    delays: list[float] = []
    while not delays or (len(delays) < 5 and min(delays) >= most):
        if delays:
            hub.call("remove_process", hub.stop("p", force=True)["name"])
        delays.append(delay(free_port()))
    assert min(delays) < most, delays


def told(hub: Hub, process: str, order: str) -> float:
    """Send an order to a late_server; when it was obeyed."""
    hub.call("send_process_input", process, input=order)
    return float(hub.await_line(process, f"^{order.split()[0]} ").split()[1])


def test_at_once(hub: Hub) -> None:
    port = free_port()
    hub.ready(program("http_server", port), name="p")
    reply = hub.call("wait_for_process", "p", port=port)
    assert (reply["met"], reply["line"], reply["status_code"]) == ("port", None, None)
    assert reply["last_lines"] == [f"ready {port}"]
    assert [each["port"] for each in reply["ports"]] == [port]


def test_at_the_moment(hub: Hub) -> None:
    def delay(port: int) -> float:
        hub.ready(program("late_server", port), name="p")
        waiting = timed(hub, "p", port=port)
        listened = told(hub, "p", "listen")
        reply, at = waiting.result(10)
        assert reply["met"] == "port"
        return float(at - listened)

    assert_prompt(hub, delay)


def test_any_port_at_the_moment(hub: Hub) -> None:
    """Others listen already, and begin to, and are none of ours."""
    hub.ready(program("http_server", free_port()), name="before")

    def delay(port: int) -> float:
        hub.ready(program("late_server", port), name="p")
        waiting = timed(hub, "p", any_port=True)
        hub.ready(program("http_server", free_port()), name="meanwhile", replace=True)
        assert not waiting.done()
        listened = told(hub, "p", "listen")
        reply, at = waiting.result(10)
        assert reply["met"] == "port"
        assert [each["port"] for each in reply["ports"]] == [port]
        return float(at - listened)

    assert_prompt(hub, delay)


def test_any_port_of_what_listens_already(hub: Hub) -> None:
    hub.ready(program("http_server", free_port()), name="p")
    assert hub.call("wait_for_process", "p", any_port=True, timeout_seconds=0)["met"] == "port"


def test_any_port_of_a_grandchild_or_something_else_first(hub: Hub) -> None:
    hub.start(["sh", "-c", 'sleep 0.2; "$@" & wait', "sh", *program("http_server", free_port())], name="p")
    assert hub.call("wait_for_process", "p", any_port=True, output="^never", timeout_seconds=10)["met"] == "port"
    assert hub.call("wait_for_process", "p", any_port=True, port=free_port(), timeout_seconds=10)["met"] == "port"


def test_any_port_that_does_not_come(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    error = hub.error("wait_for_process", "p", any_port=True, timeout_seconds=0.1)
    assert error.code == "wait_timed_out"
    assert "it listens on no port" in str(error)
    assert hub.error("wait_for_process", "p", any_port=False, timeout_seconds=0.1).code == "wait_timed_out"
    waiting = hub.aside("wait_for_process", "p", any_port=True)
    hub.stop("p")
    failure = waiting.exception(5)
    assert isinstance(failure, WireError)
    assert failure.code == "wait_failed"


def test_one_that_was_held_by_somebody_else(hub: Hub) -> None:
    """SO_REUSEPORT and the like aside, it must end there first; the wait goes on until then."""
    port = free_port()
    hub.ready(program("http_server", port), name="other")
    hub.start(["sh", "-c", 'read line; exec "$@"', "sh", *program("http_server", port)], name="p")
    waiting = hub.aside("wait_for_process", "p", port=port, timeout_seconds=10)
    hub.stop("other")
    hub.call("send_process_input", "p", input="go")
    assert waiting.result(10)["met"] == "port"


def test_who_holds_it(hub: Hub) -> None:
    port = free_port()
    other = hub.ready(program("http_server", port), name="other")
    hub.ready(program("sleeper"), name="p")
    error = hub.error("wait_for_process", "p", port=port, timeout_seconds=0.1)
    assert error.code == "wait_timed_out"
    assert f"port {port} is held by {hub.project.name}/other (pid {other['pid']})" in str(error)


def test_nobody_has_it(hub: Hub) -> None:
    port = free_port()
    hub.ready(program("sleeper"), name="p")
    error = hub.error("wait_for_process", "p", port=port, timeout_seconds=0.1)
    assert f"nobody listens on port {port}" in str(error)
    assert error.error["data"]["waiting_for_input"] is None


def test_a_grandchild_that_listens(hub: Hub) -> None:
    port = free_port()
    hub.start(["sh", "-c", '"$@" & wait', "sh", *program("http_server", port)], name="p")
    assert hub.call("wait_for_process", "p", port=port, timeout_seconds=10)["met"] == "port"


def test_a_server_that_puts_itself_into_the_background(hub: Hub) -> None:
    port = free_port()
    # In the background a shell gives a command no input, unless it is told to.
    hub.start(["sh", "-c", 'exec 3<&0; "$@" <&3 & exit 0', "sh", *program("late_server", port)], name="p")
    assert hub.call("wait_for_process", "p")["state"] == "exited"
    eventually(lambda: hub.lines("p") == ["ready"])
    waiting = hub.aside("wait_for_process", "p", port=port, timeout_seconds=10)
    with open(hub.log_path("p").parent / "stdin", "wb", buffering=0) as stdin:
        stdin.write(b"listen\n")
    assert waiting.result(10)["met"] == "port"


def test_an_end_while_it_waits(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    waiting = hub.aside("wait_for_process", "p", port=free_port())
    hub.stop("p")
    error = waiting.exception(5)
    assert isinstance(error, WireError)
    assert (error.code, error.error["data"]["state"]) == ("wait_failed", "stopped")
