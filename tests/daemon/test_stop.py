"""Stopping: SIGTERM, a time of grace, SIGKILL; the answer comes when nothing is left, and says what was needed."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.daemon.hub import Hub, at_once
from tests.daemon.subscriber import Subscriber
from tests.kit import is_alive, program


def test_sigterm_is_enough(hub: Hub) -> None:
    info = hub.ready(program("sleeper"), name="p")
    reply = hub.stop("p")
    assert (reply["ended_by"], reply["stopped_pids"], reply["already_stopped"]) == ("SIGTERM", [info["pid"]], False)
    assert not os.path.exists(f"/proc/{info['pid']}")


@pytest.mark.parametrize("name", ["SIGINT", "INT", "2", "SIGHUP"])
def test_another_first_signal(hub: Hub, name: str) -> None:
    hub.ready(program("sleeper"), name="p")
    reply = hub.stop("p", signal=name, grace_seconds=5)
    assert reply["state"] == "stopped"
    assert reply["ended_by"] in ("SIGINT", "SIGHUP")


def test_sigkill_after_the_grace(hub: Hub) -> None:
    hub.ready(program("ignore_term"), name="p")
    before = time.monotonic()
    reply = hub.stop("p", grace_seconds=0.3)
    assert 0.3 <= time.monotonic() - before < 8, "ten seconds is what it is given without a word"
    assert (reply["ended_by"], reply["signal"]) == ("SIGKILL", "SIGKILL")


@pytest.mark.parametrize("method", ["stop_process", "restart_process"])
def test_force_does_not_wait_for_the_grace_of_a_stop_under_way(hub: Hub, method: str) -> None:
    hub.ready(program("ignore_term"), name="p")
    patient = hub.aside("stop_process", "p", grace_seconds=1000)
    hub.await_state("p", "stopping")
    reply = hub.aside(method, "p", force=True).result(10)
    first = patient.result(10)
    assert (first["state"], first["signal"], first["ended_by"]) == ("stopped", "SIGKILL", "SIGKILL")
    if method == "stop_process":
        assert (reply["state"], reply["signal"]) == ("stopped", "SIGKILL")
    else:
        assert (reply["run"], reply["state"]) == (2, "running")


def test_force_is_sigkill_at_once(hub: Hub) -> None:
    hub.ready(program("ignore_term"), name="p")
    before = time.monotonic()
    reply = hub.stop("p", force=True)
    assert time.monotonic() - before < 8, "ten seconds is the grace of a stop without force"
    assert reply["ended_by"] == "SIGKILL"


def test_a_stopped_child_is_stopped(hub: Hub) -> None:
    """SIGTERM stays pending in a process that SIGSTOP holds; SIGKILL does not."""
    hub.ready(program("sleeper"), name="p")
    hub.call("signal_process", "p", signal="STOP")
    assert hub.stop("p", grace_seconds=0.2)["state"] == "stopped"


def test_stopping_the_stopped_is_fine(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    hub.stop("p", reason="first")
    reply = hub.stop("p", reason="second")
    assert (reply["already_stopped"], reply["ended_by"], reply["stopped_pids"]) == (True, None, [])
    assert reply["reason"].endswith("first")


def test_stopping_the_exited_is_fine(hub: Hub) -> None:
    hub.finish(["false"], name="p")
    reply = hub.stop("p")
    assert reply["state"] == "failed"


def test_two_stops_at_once(hub: Hub) -> None:
    hub.ready(program("ignore_term"), name="p")
    first, second = hub.connect(), hub.connect()
    params = {"process": "p", "working_directory": str(hub.project), "grace_seconds": 0.3}
    replies = at_once(lambda: first.call("stop_process", **params), lambda: second.call("stop_process", **params))
    assert [reply["state"] for reply in replies] == ["stopped", "stopped"]
    assert sorted(reply["already_stopped"] for reply in replies) == [False, True]


def test_a_slow_stop_delays_nobody_else(hub: Hub) -> None:
    pid = hub.ready(program("ignore_term"), name="slow")["pid"]
    hub.ready(program("sleeper"), name="quick")
    # It lasts until the test says so: a time of grace could be over before a busy machine comes to the end of this.
    slow = hub.aside("stop_process", "slow", grace_seconds=1000)
    hub.await_state("slow", "stopping")
    hub.stop("quick")
    hub.start(program("sleeper"), name="next")
    assert hub.lines("slow") == ["ready"]
    assert hub.state("slow") == "stopping"
    assert not slow.done()
    os.kill(pid, signal.SIGKILL)
    assert slow.result(10)["state"] == "stopped"


def test_a_start_during_a_stop_waits_and_starts_anew(hub: Hub) -> None:
    old = hub.ready(program("ignore_term"), name="p")
    slow = hub.aside("stop_process", "p", grace_seconds=1000)
    hub.await_state("p", "stopping")
    start = hub.aside("start_process", command=program("ignore_term"), name="p")
    hub.list()  # it was received while the stop lasts
    assert not start.done()
    os.kill(old["pid"], signal.SIGKILL)
    new = start.result(10)
    assert slow.result(10)["run"] == 1
    assert (new["run"], new["already_running"]) == (2, False)
    assert not is_alive(old["pid"])


def test_a_caller_that_hangs_up_does_not_undo_the_stop(hub: Hub) -> None:
    info = hub.ready(program("ignore_term"), name="p")
    watcher = Subscriber(hub, "watch_processes", types=["stopping"])
    with hub.daemon.connect() as connection:
        params = {"process": "p", "working_directory": str(hub.project), "grace_seconds": 0.3}
        connection.send({"jsonrpc": "2.0", "id": 1, "method": "stop_process", "params": params})
        # Not the state: who is held for longer than the grace would look for it too late.
        watcher.until_event("stopping")
    assert hub.call("wait_for_process", "p", exit=True, timeout_seconds=10)["state"] == "stopped"
    assert not is_alive(info["pid"])


@pytest.mark.parametrize("name", ["NONSENSE", "0x9", "-9", "999", "SIG"])
def test_no_such_signal(hub: Hub, name: str) -> None:
    hub.ready(program("sleeper"), name="p")
    assert hub.error("stop_process", "p", signal=name).code == "invalid_params"
    assert hub.state("p") == "running"
