"""What a process is told to be: its state, its exit code or signal, and the reason in words."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.daemon.hub import Hub
from tests.kit import program


@pytest.mark.parametrize(
    ("command", "state", "code", "signal", "reason"),
    [
        (program("exit_n", 0), "exited", 0, None, "exited with code 0"),
        (program("exit_n", 3), "failed", 3, None, "exited with code 3"),
        (program("die_by_signal", "SIGKILL"), "failed", None, "SIGKILL", "ended by SIGKILL"),
        (program("die_by_signal", "SIGTERM"), "failed", None, "SIGTERM", "ended by SIGTERM"),
        (program("abort_after_lines", 1), "failed", None, "SIGABRT", "ended by SIGABRT"),
        (["sh", "-c", "exit 143"], "failed", 143, None, "exited with code 143"),
    ],
)
def test_ends(hub: Hub, command: list[str], state: str, code: int | None, signal: str | None, reason: str) -> None:
    info = hub.finish(command, name="p")
    assert (info["state"], info["exit_code"], info["signal"], info["reason"]) == (state, code, signal, reason)
    assert info["met"] == "exit"
    listed = hub.list()["p"]
    assert (listed["state"], listed["exit_code"], listed["signal"]) == (state, code, signal)
    assert listed["processes"] == 0


def parsed(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_times_are_rfc_3339(hub: Hub) -> None:
    before = dt.datetime.now(dt.timezone.utc) - dt.timedelta(milliseconds=1)
    info = hub.finish(["true"])
    started, ended = map(parsed, (info["started_at"], info["ended_at"]))
    assert before <= started <= ended <= dt.datetime.now(dt.timezone.utc)


def test_stopped_says_by_whom_and_why(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    reply = hub.stop("p", client={"name": "cursor"}, reason="new dependencies")
    assert (reply["state"], reply["reason"]) == ("stopped", "stopped by cursor: new dependencies")
    assert (reply["signal"], reply["exit_code"]) == ("SIGTERM", None)


def test_stopped_with_an_exit_code(hub: Hub) -> None:
    """A server that ends cleanly at SIGTERM was stopped, whatever its code."""
    hub.ready(["sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.02; done"], name="p")
    reply = hub.stop("p")
    assert (reply["state"], reply["exit_code"], reply["signal"]) == ("stopped", 5, None)


def test_running_only(hub: Hub) -> None:
    hub.finish(["true"], name="over")
    hub.start(program("sleeper"), name="on")
    assert set(hub.list()) == {"over", "on"}
    assert set(hub.list(running=True)) == {"on"}


def test_facts_of_a_running_process(hub: Hub) -> None:
    hub.ready(program("spawn_tree", "plain", "setsid"), name="p")
    info = hub.list()["p"]
    assert info["processes"] == 3
    assert info["memory_bytes"] > 100_000
    assert info["survivors"] == []
    assert info["cpu_percent"] is None or info["cpu_percent"] >= 0


def test_ports_of_the_whole_tree(hub: Hub) -> None:
    hub.start(["sh", "-c", '"$@" & wait', "sh", *program("http_server")], name="p")
    port = int(hub.await_line("p", "^ready").split()[1])
    (listener,) = hub.list()["p"]["ports"]
    assert (listener["port"], listener["address"]) == (port, "127.0.0.1")
    assert listener["pid"] != hub.status("p")["pid"]


def test_an_abort_after_thirty_lines_keeps_every_line(hub: Hub) -> None:
    for _ in range(5):
        hub.finish(program("abort_after_lines", 30), name="p")
        assert hub.lines("p") == [f"line {number} of 30" for number in range(1, 31)]
        assert hub.lines("p", stream="stderr") == hub.lines("p")
        assert hub.lines("p", stream="stdout") == []
