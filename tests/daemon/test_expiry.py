"""Processes that end by themselves: after their ttl, or when nobody uses them."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.daemon.hub import Hub
from tests.daemon.subscriber import Subscriber
from tests.kit import eventually, free_port, is_alive, program, wait_gone

SLEEPER = program("sleeper")
PERSISTPROC = {"name": "persistproc"}


def stopped(hub: Hub, name: str = "p") -> dict[str, Any]:
    """The process once it has been stopped; asking for the state is no use of it."""
    hub.await_state(name, "stopped")
    return hub.status(name)


def why(info: dict[str, Any]) -> tuple[Any, ...]:
    return info["stopped_by"], info["stop_reason"]


def seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def test_a_ttl_ends_it_also_while_it_is_used_and_protected(hub: Hub) -> None:
    # Not until it is ready: a slow one would have been ended before.
    asked = time.time()
    info = hub.start(SLEEPER, name="p", ttl_seconds=0.5, protected=True, client={"name": "claude-code"})
    assert asked + 0.45 <= seconds(info["expires_at"]) <= time.time() + 0.55, "half a second from its start on"
    assert hub.call("wait_for_process", "p", exit=True, timeout_seconds=10)["state"] == "stopped"
    info = hub.status("p")
    assert why(info) == (PERSISTPROC, "ran for its ttl of 0.5s")
    assert info["reason"] == "stopped by persistproc: ran for its ttl of 0.5s"
    assert info["expires_at"] is None
    assert seconds(info["ended_at"]) - seconds(info["started_at"]) >= 0.45
    assert not is_alive(info["pid"])


def test_what_ignores_sigterm_ends_after_its_ttl_as_by_any_stop(hub: Hub) -> None:
    pid = hub.start(program("spawn_tree"), name="p", ttl_seconds=0.3)["pid"]
    wait_gone(pid)
    assert why(stopped(hub)) == (PERSISTPROC, "ran for its ttl of 0.3s")


def test_the_restart_policy_does_not_bring_it_back(hub: Hub) -> None:
    hub.start(SLEEPER, name="p", ttl_seconds=0.3, restart="always")
    assert stopped(hub)["run"] == 1
    assert hub.status("p")["restart_at"] is None


def test_a_restart_by_policy_does_not_extend_the_ttl(hub: Hub) -> None:
    first = hub.ready(SLEEPER, name="p", ttl_seconds=60, restart="always")
    os.kill(first["pid"], signal.SIGKILL)
    eventually(lambda: hub.status("p")["run"] == 2 and hub.state("p") == "running", what="the restart")
    again = hub.status("p")
    assert abs(seconds(again["expires_at"]) - seconds(first["expires_at"])) < 0.1
    by_hand = hub.call("restart_process", "p")
    assert seconds(by_hand["expires_at"]) - seconds(by_hand["started_at"]) > 59.5


def test_a_ttl_that_is_over_cancels_the_next_restart(hub: Hub) -> None:
    config = Path(hub.daemon.home.config)
    # Jitter takes a random part of a day.
    config.write_text("[restart]\npause_seconds = 86400\nlongest_pause_seconds = 86400\n", "utf-8")
    try:
        hub.start(program("exit_n", 1), name="p", ttl_seconds=3600, restart="always")
        hub.await_state("p", "restarting")
        assert hub.status("p")["expires_at"] is not None
        # Only now: it might be over before the process has ended by itself, or before we have seen that.
        hub.call("configure_process", "p", ttl_seconds=0.4)
        hub.await_state("p", "failed")
    finally:
        config.unlink()
    info = hub.status("p")
    assert why(info) == (PERSISTPROC, "ran for its ttl of 0.4s")
    assert "not started again: stopped by persistproc: ran for its ttl of 0.4s" in info["reason"]
    assert (info["restart_at"], info["expires_at"]) == (None, None)


def test_nobody_uses_it(hub: Hub) -> None:
    hub.start(SLEEPER, name="p", idle_timeout_seconds=0.4)
    hub.list()
    info = stopped(hub)
    assert why(info) == (PERSISTPROC, "nobody used it for 0.4s")
    assert info["last_used_at"] is None


def test_whoever_waits_for_it_uses_it(hub: Hub) -> None:
    for name, command in (("followed", SLEEPER), ("waited", program("echo_stdin")), ("polled", program("http_server"))):
        hub.ready(command, name=name)
    follower = Subscriber(hub, processes=["followed"]).connection
    cursor = hub.call("get_process_output", "polled")["cursor"]
    # Until they hang up, and not for some time: we may be held for longer than that.
    waiter, poller = hub.connect(), hub.connect()
    directory = {"working_directory": str(hub.project)}
    waiter.ask("wait_for_process", {"process": "waited", "exit": True, "timeout_seconds": 60, **directory})
    poller.ask("get_process_output", {"process": "polled", "cursor": cursor, "wait_seconds": 60, **directory})
    for name in hub.list():
        hub.call("configure_process", name, idle_timeout_seconds=0.3)
    time.sleep(0.6)  # longer than the timeout: what must not happen cannot be waited for
    listed = hub.list()
    assert {info["state"] for info in listed.values()} == {"running"}
    assert None not in {info["last_used_at"] for info in listed.values()}
    for name, user in (("followed", follower), ("waited", waiter), ("polled", poller)):
        user.close()
        assert why(stopped(hub, name)) == (PERSISTPROC, "nobody used it for 0.3s")


def test_whoever_is_connected_to_its_port_uses_it(hub: Hub) -> None:
    port = free_port()
    hub.start(program("http_server", port), name="p", idle_timeout_seconds=2)
    hub.await_line("p", "^ready")
    with socket.create_connection(("127.0.0.1", port)):
        hub.call("configure_process", "p", idle_timeout_seconds=0.3)
        time.sleep(0.7)  # longer than the timeout: what must not happen cannot be waited for
        assert hub.state("p") == "running"
    assert why(stopped(hub)) == (PERSISTPROC, "nobody used it for 0.3s")


def test_the_ttl_goes_on_when_the_daemon_dies(hub: Hub, restarted: Callable[[], Hub]) -> None:
    first = hub.ready(SLEEPER, name="p", ttl_seconds=3600, idle_timeout_seconds=1800)
    hub.start(program("echo_stdin"), name="q", ttl_seconds=0.2)
    restarted()
    assert abs(seconds(hub.status("p")["expires_at"]) - seconds(first["started_at"]) - 1800) < 60
    assert why(stopped(hub, "q")) == (PERSISTPROC, "ran for its ttl of 0.2s")
    assert is_alive(first["pid"])


def test_a_daemon_that_was_stopped_calls_nothing_unused_meanwhile(own: Hub) -> None:
    own.ready(SLEEPER, name="p", idle_timeout_seconds=0.5)
    os.kill(own.daemon.pid, signal.SIGSTOP)
    try:
        time.sleep(1.3)  # longer than the timeout, and than what a busy machine is late
    finally:
        went_on = time.time()
        os.kill(own.daemon.pid, signal.SIGCONT)
    info = stopped(own)
    assert why(info) == (PERSISTPROC, "nobody used it for 0.5s")
    assert seconds(info["ended_at"]) - went_on > 0.3


def test_limits_are_changed_and_taken_away(hub: Hub) -> None:
    pid = hub.ready(SLEEPER, name="p", ttl_seconds=3600, idle_timeout_seconds=1800)["pid"]
    info = hub.call("configure_process", "p", ttl_seconds=0, idle_timeout_seconds=0)
    assert (info["ttl_seconds"], info["idle_timeout_seconds"], info["expires_at"]) == (None, None, None)
    error = hub.error("configure_process", "p", ttl_seconds=0.001)
    assert error.code == "invalid_params"
    assert "longer than a ttl" in error.error["message"]
    assert is_alive(pid)
    hub.call("configure_process", "p", idle_timeout_seconds=0.2)
    assert why(stopped(hub)) == (PERSISTPROC, "nobody used it for 0.2s")


def test_a_time_of_the_past_or_for_ever_is_refused_or_never_comes(hub: Hub) -> None:
    for wrong in (-1, 1e9, "2h"):
        assert hub.error("start_process", command=SLEEPER, name="p", ttl_seconds=wrong).code == "invalid_params"
    assert hub.ready(SLEEPER, name="p", ttl_seconds=0, idle_timeout_seconds=0)["expires_at"] is None


def test_a_daemon_that_takes_over_knows_the_uses(own: Hub) -> None:
    own.ready(SLEEPER, name="used", idle_timeout_seconds=3600)
    own.start(program("echo_stdin"), name="unused", ttl_seconds=1.5)
    used = own.status("used")
    own.connection.call("replace_daemon")
    own.forget_connections()
    with own.daemon.connect() as connection:
        own.daemon.pid = connection.hello["pid"]
    after = own.status("used")
    assert after["last_used_at"] == used["last_used_at"]
    assert abs(seconds(after["expires_at"]) - seconds(used["expires_at"])) < 0.1
    assert why(stopped(own, "unused")) == (PERSISTPROC, "ran for its ttl of 1.5s")
