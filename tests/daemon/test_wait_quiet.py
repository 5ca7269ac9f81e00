"""Waiting for silence, for states, and for several things at once."""

from __future__ import annotations

import itertools
import os
import time

import pytest

from tests.daemon.hub import Hub
from tests.daemon.test_wait_port import timed, told
from tests.kit import WireError, free_port, program


def test_quiet_already(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    begun = time.monotonic()
    reply = hub.call("wait_for_process", "p", idle_seconds=0.2)
    assert (reply["met"], reply["last_lines"], reply["state"]) == ("idle", ["ready"], "running")
    assert 0.2 <= time.monotonic() - begun < 20, "a minute is what a wait lasts when nothing comes"


def test_no_time_at_all(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    assert hub.call("wait_for_process", "p", idle_seconds=0, timeout_seconds=0)["met"] == "idle"


def test_counted_from_the_last_output(hub: Hub) -> None:
    hub.ready(program("late_server", free_port()), name="p")
    seen = [time.monotonic()]
    waiting = timed(hub, "p", idle_seconds=1)
    while seen[-1] - seen[0] < 0.5:
        printed = told(hub, "p", "status 200")
        seen.append(time.monotonic())
    reply, at = waiting.result(10)
    assert reply["last_lines"][-1].startswith("status")
    # On a machine that was held for a second there was silence before the last line.
    assert at - printed > 0.9 or max(after - before for before, after in itertools.pairwise(seen)) > 0.9


def test_never_quiet(hub: Hub) -> None:
    hub.start(["sh", "-c", "while :; do echo busy; sleep 0.02; done"], name="p")
    # So long that who prints, or the keeper, is not held for it on a busy machine: that would be silence.
    error = hub.error("wait_for_process", "p", idle_seconds=2, timeout_seconds=2.1)
    assert error.code == "wait_timed_out"
    assert "goes on printing" in str(error)
    assert error.error["data"]["last_lines"][-1] == "busy"


def test_a_build_that_is_done_is_quiet(hub: Hub) -> None:
    hub.start(["sh", "-c", "echo done"], name="p")
    reply = hub.call("wait_for_process", "p", idle_seconds=60)
    assert (reply["met"], reply["state"], reply["last_lines"]) == ("idle", "exited", ["done"])


def test_a_build_that_failed_is_not(hub: Hub) -> None:
    hub.start(["sh", "-c", "echo wrong; exit 2"], name="p")
    error = hub.error("wait_for_process", "p", idle_seconds=60)
    assert (error.code, error.error["data"]["last_lines"]) == ("wait_failed", ["wrong"])


def test_a_state_that_is(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    assert hub.call("wait_for_process", "p", state="running")["met"] == "state"


def test_a_state_to_come(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    waiting = [hub.aside("wait_for_process", "p", state=state) for state in ("stopping", "stopped")]
    hub.list()  # they were received before the stop
    hub.stop("p")
    assert [future.result(5)["met"] for future in waiting] == ["state", "state"]


@pytest.mark.parametrize("state", ["starting", "exited"])
def test_a_state_that_cannot_come(hub: Hub, state: str) -> None:
    hub.ready(program("sleeper"), name="p")
    waiting = hub.aside("wait_for_process", "p", state=state)
    hub.list()
    hub.stop("p")
    error = waiting.exception(5)
    assert isinstance(error, WireError)
    assert error.code == "wait_failed"


def test_a_line_comes_before_the_end(hub: Hub) -> None:
    hub.ready(["sh", "-c", "echo ready; read line; echo the last line"], name="p")
    waiting = hub.aside("wait_for_process", "p", exit=True, state="exited", output="last line")
    hub.call("send_process_input", "p", input="")
    assert waiting.result(5)["met"] == "output"
    assert hub.call("wait_for_process", "p", exit=True, output="last line")["met"] == "output"
    assert hub.call("wait_for_process", "p", exit=True, output="no such line")["met"] == "exit"


def test_the_end_of_the_output_is_told(hub: Hub) -> None:
    hub.finish(["sh", "-c", "seq 30"], name="p")
    assert hub.call("wait_for_process", "p")["last_lines"] == [str(number) for number in range(21, 31)]


def test_a_restart_ends_the_wait_and_says_so(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    waiting = hub.aside("wait_for_process", "p", output="never")
    hub.list()
    hub.call("restart_process", "p")
    error = waiting.exception(5)
    assert isinstance(error, WireError)
    assert error.code == "wait_failed"


def test_since_needs_output(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    assert hub.error("wait_for_process", "p", since="10s").code == "invalid_params"


def test_only_lines_after_a_place(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="p")
    cursor = hub.call("get_process_output", "p")["cursor"]
    waiting = hub.aside("wait_for_process", "p", output="ready|got: new", since=cursor, timeout_seconds=10)
    hub.call("send_process_input", "p", input="new")
    assert waiting.result(10)["line"] == "got: new"


def test_only_lines_after_a_mark(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="p")
    hub.call("set_mark", name="edit")
    error = hub.error("wait_for_process", "p", output="ready", since="mark:edit", timeout_seconds=0.1)
    assert error.code == "wait_timed_out"
    assert hub.error("wait_for_process", "p", output="x", since="mark:none").code == "invalid_params"


def test_whatever_the_clock_of_the_file_system_says(hub: Hub) -> None:
    hub.start(["sh", "-c", "while :; do echo x; sleep 0.1; done"], name="p")
    hub.await_line("p", "x")
    path = hub.log_path("p")
    waiting = hub.aside("wait_for_process", "p", idle_seconds=1, timeout_seconds=2)
    while not waiting.done():
        os.utime(path, (0, 0))
        time.sleep(0.002)
    with pytest.raises(WireError) as caught:
        waiting.result(0)
    assert caught.value.code == "wait_timed_out"
