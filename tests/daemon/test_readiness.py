"""A start that waits: ready, or why not; by what somebody said, and by the first sign where nobody said anything."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from tests.daemon.hub import Hub
from tests.daemon.subscriber import Subscriber
from tests.kit import eventually, free_port, program

READY = ("ready", "ready_at", "ready_seconds", "ready_by")


def started(hub: Hub, command: str | list[str], **params: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Start and wait; the reply and what was seen."""
    reply = hub.start(command, wait=True, **{"name": "p", "timeout_seconds": 10, **params})
    return reply, reply["readiness"]


# --- nobody said anything ---------------------------------------------------------------------------------------------


def test_by_a_port(hub: Hub) -> None:
    port = free_port()
    reply, seen = started(hub, program("http_server", port))
    assert (seen["outcome"], seen["by"], seen["port"]) == ("ready", "port", port)
    assert seen["words"] == f"listens on port {port}"
    assert reply["ready"] is True
    assert reply["ready_by"] == seen["words"]
    assert 0 <= reply["ready_seconds"] <= seen["elapsed_seconds"] < 5
    assert [each["port"] for each in reply["ports"]] == [port]
    assert hub.list()["p"]["ready"] is True


def test_by_a_port_of_a_grandchild_with_the_url_that_it_prints(hub: Hub) -> None:
    port = free_port()
    script = f'"$@" & read go; printf "  Local: \\033[36mhttp://localhost:{port}/\\033[0m\\n"; wait'
    command = ["sh", "-c", script, "sh", *program("http_server", port)]
    starting = hub.aside("start_process", command=command, name="p", wait=True, timeout_seconds=10)
    eventually(lambda: "p" in hub.list(), what="it is started")
    # Where the server is slow to start, the line would come before the port.
    hub.call("wait_for_process", "p", port=port, timeout_seconds=10)
    hub.call("send_process_input", "p", input="go")
    seen = starting.result(10)["readiness"]
    assert (seen["by"], seen["port"], seen["url"]) == ("port", port, f"http://localhost:{port}/")
    assert seen["line"] == f"  Local: http://localhost:{port}/"


def test_by_a_url_that_is_printed(hub: Hub) -> None:
    """What really listens may be out of sight (a container)."""
    script = "echo proxying to http://localhost:1/; echo listening on http://0.0.0.0:5173/x.; exec sleep 60"
    _, seen = started(hub, ["sh", "-c", script])
    assert (seen["by"], seen["url"]) == ("url", "http://localhost:5173/x")
    assert seen["line"] == "listening on http://0.0.0.0:5173/x."


def test_by_silence_after_the_first_output(hub: Hub) -> None:
    reply, seen = started(hub, ["sh", "-c", "echo compiled; exec sleep 60"])
    assert (seen["outcome"], seen["by"]) == ("ready", "quiet")
    assert reply["ready_seconds"] >= 2
    # Who asks later is told at once, and nothing is told twice.
    again, seen = started(hub, ["sh", "-c", "echo compiled; exec sleep 60"])
    assert (again["already_running"], seen["by"], again["ready_at"]) == (True, "quiet", reply["ready_at"])


def test_an_end_with_code_0_is_no_failure(hub: Hub) -> None:
    reply, seen = started(hub, ["sh", "-c", "echo done"])
    assert (seen["outcome"], seen["by"], seen["words"]) == ("exited", None, "exited with code 0")
    assert (reply["state"], reply["ready"]) == ("exited", None)


def test_a_failure_comes_with_its_error_and_a_hint(hub: Hub) -> None:
    reply, seen = started(hub, [sys.executable, "-c", "import no_such_module_at_all"])
    assert (seen["outcome"], seen["words"]) == ("failed", "exited with code 1")
    assert seen["error_lines"][0].startswith("Traceback")
    assert seen["error_lines"][-1].endswith("No module named 'no_such_module_at_all'")
    assert seen["hint"].startswith("install the Python module no_such_module_at_all")
    assert (reply["state"], reply["ready"]) == ("failed", None)


def test_one_that_fails_right_after_it_said_where_it_listens(hub: Hub) -> None:
    reply, seen = started(
        hub, ["sh", "-c", "echo on http://localhost:3000; sleep 0.1; echo fatal: no database; exit 3"]
    )
    assert (seen["outcome"], seen["words"]) == ("failed", "exited with code 3")
    assert "fatal: no database" in seen["error_lines"]
    assert reply["ready"] is None


def test_one_that_asks(hub: Hub) -> None:
    _, seen = started(hub, ["sh", "-c", "printf 'Overwrite? '; read answer"])
    assert (seen["outcome"], seen["words"]) == ("input", "asks for input: Overwrite?")
    assert "persistproc send p" in seen["hint"]


def test_one_that_tells_nothing(hub: Hub) -> None:
    reply, seen = started(hub, program("sleeper"), timeout_seconds=0.2)
    assert seen["outcome"] == "timed_out"
    assert "it listens on no port" in seen["words"]
    assert (reply["state"], reply["ready"]) == ("running", None)


def test_one_whose_port_is_taken(hub: Hub) -> None:
    port = free_port()
    other = hub.ready(program("http_server", port), name="other")
    _, seen = started(hub, ["sh", "-c", 'exec "$@"', "sh", *program("http_server", port)])
    assert seen["words"] == f"exited with code 1; port {port} is held by shop/other (pid {other['pid']})"
    assert seen["hint"] == "use that one, stop it, or give this one another port"
    assert seen["error_lines"][-1].endswith("Address already in use")


# --- somebody said when ----------------------------------------------------------------------------------------------


def test_by_a_line(hub: Hub) -> None:
    reply, seen = started(
        hub, ["sh", "-c", "echo one; sleep 0.1; echo ready in 3 ms; exec sleep 60"], ready={"output": r"ready in \d"}
    )
    assert (seen["by"], seen["line"]) == ("output", "ready in 3 ms")
    assert reply["ready_by"] == "printed: ready in 3 ms"


def test_by_a_line_of_which_nobody_can_tell(hub: Hub) -> None:
    """More time does not help: the pattern takes too much of it."""
    many = "a" * 40
    script = ["sh", "-c", f"echo {many}b; exec sleep 60"]
    _, seen = started(hub, script, ready={"output": "(a|a|b?)+(a|aa)+(aa|a)+$x"})
    assert (seen["outcome"], seen["hint"]) == ("timed_out", "use a simpler one")
    assert "the regular expression takes too long on this output" in seen["words"]
    error = hub.error("wait_for_process", "p", ready=True, timeout_seconds=10)
    assert error.error["data"]["hint"] == "use a simpler one"
    assert "takes too long on this output" in str(error)


def test_by_its_port(hub: Hub) -> None:
    port = free_port()
    command = ["sh", "-c", f'"$@" & echo http://localhost:{port}; exec sleep 60', "sh", *program("http_server")]
    reply, seen = started(hub, command, ready={"port": port}, timeout_seconds=1.5)
    assert seen["outcome"] == "timed_out", "it listens, but not there"
    assert f"nobody listens on port {port}" in seen["words"]
    assert reply["ready"] is False


def test_by_a_url_with_a_good_status(hub: Hub) -> None:
    port = free_port()
    ready = {"url": f"http://127.0.0.1:{port}/", "interval_seconds": 0.05}
    hub.ready(program("late_server", port, 404), name="p", ready=ready)
    hub.call("send_process_input", "p", input="listen")
    hub.await_line("p", "^listen ")
    error = hub.error("wait_for_process", "p", ready=True, timeout_seconds=1.5)
    assert error.code == "wait_timed_out"
    assert "it answers with status 404" in str(error)
    assert error.error["data"]["readiness"]["outcome"] == "timed_out"
    hub.call("send_process_input", "p", input="status 302")
    reply = hub.call("wait_for_process", "p", ready=True, timeout_seconds=10)
    assert (reply["met"], reply["readiness"]["by"], reply["readiness"]["status_code"]) == ("ready", "url", 302)


def test_what_answers_must_not_be_another_one(hub: Hub) -> None:
    port = free_port()
    hub.ready(program("http_server", port), name="other")
    _, seen = started(hub, program("sleeper"), ready={"url": f"http://localhost:{port}/"}, timeout_seconds=1.5)
    assert seen["outcome"] == "timed_out"
    assert f"port {port} is held by shop/other" in seen["words"]


def test_by_a_command_in_its_directory_with_its_environment(hub: Hub) -> None:
    ready = {"command": 'test "$WHO" = me && test -e up || { echo not yet >&2; exit 4; }', "interval_seconds": 0.05}
    script = ["sh", "-c", "sleep 0.2; echo up > up; exec sleep 60"]
    reply, seen = started(hub, script, environment={"WHO": "me"}, ready=ready)
    assert (seen["outcome"], seen["by"]) == ("ready", "command")
    assert reply["ready_seconds"] >= 0.2
    _, seen = started(hub, [*script, "x"], name="q", environment={"WHO": "you"}, ready=ready, timeout_seconds=1.5)
    assert "the command exited with code 4: not yet" in seen["words"]


def test_what_hangs_is_ended_with_the_wait_for_it(hub: Hub) -> None:
    ready = {"command": ["sh", "-c", "sleep 333 & setsid sh -c 'sleep 333; true' & sleep 333; true"]}
    _, seen = started(hub, program("sleeper"), ready={**ready, "timeout_seconds": 0.1}, timeout_seconds=0.1)
    assert seen["outcome"] == "timed_out"
    eventually(lambda: hub.status("p")["processes"] == 1, what="only the process itself is left")


def test_what_it_leaves_to_itself_belongs_to_the_run(hub: Hub) -> None:
    ready = {"command": ["sh", "-c", "(setsid sleep 333 >/dev/null 2>&1 &); true"]}
    started(hub, program("sleeper"), ready=ready)
    eventually(lambda: hub.status("p")["processes"] == 2, what="it has its marker, which nobody sees during execve(2)")
    assert len(hub.stop("p")["stopped_pids"]) == 2


@pytest.mark.parametrize(("code", "outcome", "ready"), [(0, "ready", True), (2, "failed", False)])
def test_by_its_end(hub: Hub, code: int, outcome: str, ready: bool) -> None:
    reply, seen = started(hub, ["sh", "-c", f"echo migrated; exit {code}"], ready={"completed": True})
    assert (seen["outcome"], reply["ready"]) == (outcome, ready)
    assert hub.list()["p"]["ready"] is ready


def test_an_end_before_it_was_ready_is_a_failure(hub: Hub) -> None:
    reply, seen = started(hub, ["sh", "-c", "echo hello"], ready={"output": "never"})
    assert (seen["outcome"], seen["words"]) == ("failed", "exited with code 0 before it was ready")
    assert seen["error_lines"] == ["hello"]
    assert reply["ready"] is False


def test_one_that_has_ended_is_not_ready_any_more(hub: Hub) -> None:
    started(hub, ["sh", "-c", "echo up; exec sleep 60"], ready={"output": "up"})
    hub.stop("p")
    assert hub.list()["p"]["ready"] is False
    assert hub.error("wait_for_process", "p", ready=True).code == "wait_failed"


def test_who_joins_is_told_how_it_differs(hub: Hub) -> None:
    command = ["sh", "-c", "echo up; exec sleep 60"]
    started(hub, command, ready={"output": "up"})
    reply, seen = started(hub, command, ready={"output": "u."})
    assert reply["differences"] == [{"what": "ready", "asked": "output u.", "running": "output up"}]
    assert (reply["already_running"], seen["by"]) == (True, "output")


def test_the_event_and_the_record(hub: Hub, restarted: Any) -> None:
    """Nobody waits: the daemon looks out all the same, and the next one goes on with it."""
    watcher = Subscriber(hub, "watch_processes")
    hub.start(["sh", "-c", "echo up; exec sleep 60"], name="p", ready={"output": "up"})
    hub.start(program("late_server", free_port()), name="q", ready={"output": "^status"})
    eventually(lambda: hub.list()["p"]["ready"], what="p is ready")
    assert hub.list()["q"]["ready"] is False
    before = hub.list()["p"]
    event = watcher.until_event("ready")
    assert (event["name"], event["ready_by"], event["state"]) == ("p", "printed: up", "running")
    assert event["ready_seconds"] == before["ready_seconds"]
    restarted()
    after = hub.list()["p"]
    assert [after[key] for key in READY] == [before[key] for key in READY] == [True, ANY, ANY, "printed: up"]
    hub.call("send_process_input", "q", input="status 1")
    eventually(lambda: hub.list()["q"]["ready"], what="q is ready")
    reply = hub.call("wait_for_process", "q", ready=True, timeout_seconds=10)
    assert reply["readiness"]["by"] == "output"


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"ready": {}}, "exactly one of output, port, url, command, completed, which is missing"),
        ({"ready": {"output": "a", "port": 1}}, "exactly one of"),
        ({"ready": {"output": "("}}, "not a regular expression"),
        ({"ready": {"output": "((a{1000}){1000}){1000}"}}, "output repeats too much of it"),
        ({"ready": {"url": "ftp://x"}}, "must begin with http"),
        ({"ready": {"port": "web"}}, "it has no port 'web'"),
        ({"ready": {"port": 1, "status": 200}}, "ready.status belongs to a url"),
        ({"liveness": {"interval_seconds": 3}}, "liveness needs exactly one of port, url, command"),
    ],
    ids=["nothing", "two", "pattern", "counts", "url", "name", "status", "liveness"],
)
def test_what_cannot_be_looked_for_starts_nothing(hub: Hub, params: dict[str, Any], said: str) -> None:
    error = hub.error("start_process", command=["sleep", "60"], name="p", **params)
    assert error.code == "invalid_params"
    assert said in str(error)
    assert hub.list() == {}


# --- restarts --------------------------------------------------------------------------------------------------------


def test_a_restart_that_waits(hub: Hub) -> None:
    script = ["sh", "-c", "test -e broken && { echo Error: broken; exit 5; }; echo up; exec sleep 60"]
    started(hub, script, ready={"output": "up"})
    reply = hub.call("restart_process", "p", wait=True, timeout_seconds=10)
    assert (reply["run"], reply["readiness"]["outcome"], reply["ready"]) == (2, "ready", True)
    (hub.project / "broken").touch()
    reply = hub.call("restart_process", "p", wait=True, timeout_seconds=10)
    assert (reply["state"], reply["readiness"]["outcome"]) == ("failed", "failed")
    assert reply["readiness"]["error_lines"] == ["Error: broken"]


def test_a_replacement_of_the_daemon_does_not_wait_for_a_wait(own: Hub) -> None:
    assert own.list() == {}
    waiting = own.aside("start_process", command=program("sleeper"), name="p", wait=True, ready={"output": "never"})
    eventually(lambda: own.list().get("p", {}).get("state") == "running", what="it runs")
    own.connect().call("replace_daemon")
    assert waiting.result(10)["readiness"] is None


# --- liveness --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["url", "port", "command"])
def test_one_that_does_not_answer_any_more_is_restarted(hub: Hub, kind: str) -> None:
    port = free_port()
    look = {"url": f"http://127.0.0.1:{port}/", "port": port, "command": "test -e alive"}[kind]
    liveness = {kind: look, "interval_seconds": 0.1, "failures": 2, "timeout_seconds": 1}
    (hub.project / "alive").touch()
    watcher = Subscriber(hub, "watch_processes")
    server = ["sh", "-c", '"$@" & child=$!; read order; kill $child; read order', "sh", *program("http_server", port)]
    hub.ready(server, name="p", liveness=liveness)
    hub.call("wait_for_process", "p", ready=True, timeout_seconds=10)
    (hub.project / "alive").unlink()
    hub.call("send_process_input", "p", input="end it")
    unhealthy = watcher.until_event("unhealthy")
    info = watcher.until_event("restarted")
    assert unhealthy["reason"] == info["reason"].partition(": ")[2]
    assert unhealthy["reason"].startswith("liveness: ")
    assert unhealthy["reason"].endswith("(2 times in a row)")
    info = hub.list()["p"]
    assert (info["run"], info["started_by"]["name"], info["restarts"]) == (2, "persistproc", 1)


def test_one_failed_look_is_forgiven(hub: Hub) -> None:
    script = "echo x >> looks; test $(($(wc -l < looks) % 2)) = 1"
    liveness = {"command": script, "interval_seconds": 0.1, "failures": 2}
    hub.start(program("sleeper"), name="p", liveness=liveness)
    looks = hub.project / "looks"
    eventually(lambda: looks.exists() and len(looks.read_text("ascii").split()) > 6, what="six looks")
    assert hub.list()["p"]["run"] == 1


def test_a_look_ends_with_the_run(hub: Hub) -> None:
    liveness = {"command": "touch looking; exec sleep 1000", "interval_seconds": 0.1, "timeout_seconds": 60}
    hub.start(["sh", "-c", "echo up; read end"], name="p", ready={"output": "up"}, liveness=liveness)
    eventually(lambda: (hub.project / "looking").exists(), what="it is looked at")
    hub.call("send_process_input", "p", input="end")
    hub.await_state("p", "exited")
    eventually(lambda: hub.status("p")["survivors"] == [] and hub.status("p")["processes"] == 0, what="all is gone")


def test_what_a_daemon_that_could_not_run_has_missed_does_not_count(own: Hub) -> None:
    liveness = {"command": "touch looking; exec sleep 0.2", "interval_seconds": 0.1, "timeout_seconds": 1.5}
    own.start(program("sleeper"), name="p", wait=True, ready={"output": "ready"}, liveness={**liveness, "failures": 1})
    looking = own.project / "looking"
    eventually(looking.exists, what="it is looked at")
    os.kill(own.daemon.pid, signal.SIGSTOP)
    try:
        # The time of the look is over, and a second more.
        time.sleep(3)
        looking.unlink()
    finally:
        os.kill(own.daemon.pid, signal.SIGCONT)
    eventually(looking.exists, what="it is looked at again")
    assert own.list()["p"]["run"] == 1


def test_one_that_restarts_do_not_help_is_left_alone(own: Hub) -> None:
    """It is ready each time, and then not alive."""
    Path(own.daemon.home.config).write_text("[restart]\nlimit = 1\n", "utf-8")
    liveness = {"command": "false", "interval_seconds": 0.1, "failures": 1}
    agent = {"name": "cursor", "pid": 22}
    assert own.call("get_news", client=agent)["events"] == []
    own.start(["sh", "-c", "echo up; exec sleep 60"], name="p", ready={"output": "up"}, liveness=liveness)
    eventually(lambda: "not restarted again" in (own.list()["p"]["reason"] or ""), what="it was given up")
    info = own.list()["p"]
    assert (info["run"], info["state"], info["ready"]) == (2, "running", False)
    news = [(event["type"], event["run"]) for event in own.call("get_news", client=agent)["events"]]
    assert news == [("started", 1), ("restarted", 2), ("unhealthy", 2)]


def test_a_daemon_that_was_killed_goes_on_looking(own: Hub) -> None:
    liveness = {"command": "test -e alive", "interval_seconds": 0.1, "failures": 1}
    (own.project / "alive").touch()
    own.start(program("sleeper"), name="p", wait=True, liveness=liveness)
    own.forget_connections()
    own.daemon.kill()
    own.daemon.start()
    assert own.list()["p"]["ready"] is True
    (own.project / "alive").unlink()
    eventually(lambda: own.list()["p"]["run"] > 1, what="it was restarted")
