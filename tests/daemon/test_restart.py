"""Restarting: the same again, after the old one is gone; never reported for what has already died."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable

import pytest

from tests.daemon.hub import Hub
from tests.kit import free_port, is_alive, program


def variables(hub: Hub, name: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(hub.log_path(name).read_bytes().splitlines()[0])["variables"]
    return found


REPORT_AND_SLEEP = ["sh", "-c", '"$@"; echo ready; sleep 1000', "sh", *program("report_environment")]


def test_command_directory_environment_name_and_settings_are_kept(hub: Hub) -> None:
    old = hub.start(
        REPORT_AND_SLEEP, name="p", environment={"A": "1"}, umask=0o027, resource_limits={"nofile": [99, 99]}
    )
    hub.await_line("p", "^ready")
    before = json.loads(hub.lines("p")[0])
    reply = hub.call("restart_process", "p")
    hub.await_line("p", "^ready")
    after = json.loads(hub.lines("p")[0])
    assert (reply["run"], reply["previous_run"], reply["state"]) == (2, 1, "running")
    assert (reply["environment_from"], reply["differences"]) == ("run", [])
    assert (reply["argv"], reply["working_directory"]) == (old["argv"], old["working_directory"])
    assert not is_alive(old["pid"])
    before["variables"].pop("PERSISTPROC_RUN")
    after["variables"].pop("PERSISTPROC_RUN")
    for key in ("variables", "umask", "limits", "directory"):
        assert after[key] == before[key], key


def test_the_old_server_drains_before_the_new_one_binds(hub: Hub) -> None:
    """Its wrapper dies at once, so waiting for the leader alone would give "address already in use"."""
    port = free_port()
    hub.start(program("wrapped_server", port, 0.5), name="p")
    hub.await_line("p", "^ready")
    reply = hub.call("restart_process", "p")
    assert reply["run"] == 2
    assert hub.await_line("p", "^ready") == f"ready {port}"
    socket.create_connection(("127.0.0.1", port), 5).close()
    assert hub.state("p") == "running"


@pytest.mark.parametrize("command", [program("exit_n", 0), program("exit_n", 3), program("die_by_signal")])
def test_an_ended_process_is_restarted_by_name(hub: Hub, command: list[str]) -> None:
    """A job that ends with 0 is restarted; one that fails again says so."""
    hub.finish(command, name="p")
    if command == program("exit_n", 0):
        assert hub.call("restart_process", "p")["run"] == 2
    else:
        assert hub.restart_in_vain("p").code == "start_failed"
    assert hub.call("wait_for_process", "p")["run"] >= 2


def test_a_stopped_process_is_restarted_by_name(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    hub.stop("p")
    assert hub.call("restart_process", "p")["state"] == "running"


def test_a_new_run_that_dies_at_once_is_an_error_with_its_last_lines(hub: Hub) -> None:
    (hub.project / "ok").touch()
    command = ["sh", "-c", "if [ -e ok ]; then echo ready; sleep 1000; else echo no config >&2; exit 3; fi"]
    hub.ready(command, name="p")
    (hub.project / "ok").unlink()
    error = hub.restart_in_vain("p")
    assert error.code == "start_failed"
    assert error.error["data"]["last_lines"] == ["no config"]
    assert "3" in error.error["message"]
    assert hub.status("p")["exit_code"] == 3
    assert hub.state("p") == "failed"


def test_a_vanished_program_leaves_the_old_run_alone(hub: Hub) -> None:
    script = hub.project / "serve"
    script.write_text("#!/bin/sh\necho ready\nsleep 1000\n", "ascii")
    script.chmod(0o755)
    old = hub.ready(["./serve"], name="p")
    script.unlink()
    error = hub.error("restart_process", "p")
    assert error.code == "start_failed"
    assert error.error["data"]["errno"] == "ENOENT"
    assert is_alive(old["pid"])
    assert hub.status("p")["run"] == 1
    assert hub.state("p") == "running"


def test_a_vanished_directory_leaves_the_old_run_alone(hub: Hub) -> None:
    place = hub.project / "sub"
    place.mkdir()
    (hub.project / ".git").mkdir()
    old = hub.ready(program("sleeper"), name="p", working_directory=str(place))
    place.rmdir()
    error = hub.error("restart_process", "p")
    assert error.code == "start_failed"
    assert str(place) in error.error["message"]
    assert is_alive(old["pid"])
    assert hub.state("p") == "running"


def test_the_reason_tells_who_restarted(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    hub.call("restart_process", "p", client={"name": "cursor"}, reason="new config")
    new, old = hub.status("p")["history"]
    assert old["reason"] == "restarted by cursor: new config"
    assert new["reason"] == "restarted by cursor: new config"
    assert new["started_by"]["name"] == "cursor"


def test_two_restarts_at_once_are_two_runs(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    other = hub.aside("restart_process", "p")
    hub.call("restart_process", "p")
    other.result(10)
    assert [run["state"] for run in hub.status("p")["history"]] == ["running", "stopped", "stopped"]


def test_after_the_daemons_death_the_environment_comes_from_the_kernel(restarted: Callable[[], Hub], hub: Hub) -> None:
    """Values are never on disk; a live child's are in the kernel."""
    hub.start(REPORT_AND_SLEEP, name="p", environment={"SECRET": "s3", "NO_COLOR": "1"})
    hub.await_line("p", "^ready")
    before = variables(hub, "p")
    restarted()
    reply = hub.call("restart_process", "p")
    hub.await_line("p", "^ready")
    after = variables(hub, "p")
    assert reply["environment_from"] == "run"
    assert after["SECRET"] == "s3"
    assert {**before, "PERSISTPROC_RUN": ""} == {**after, "PERSISTPROC_RUN": ""}


def test_an_environment_that_nobody_knows_any_more_is_the_callers(restarted: Callable[[], Hub], hub: Hub) -> None:
    hub.finish(["sh", "-c", '"$@"', "sh", *program("report_environment")], name="p", environment={"SECRET": "s3"})
    restarted()
    given = {"PATH": os.environ["PATH"], "MINE": "1"}
    reply = hub.call("restart_process", "p", environment=given)
    assert reply["environment_from"] == "caller"
    hub.call("wait_for_process", "p")
    assert variables(hub, "p")["MINE"] == "1"
    assert "SECRET" not in variables(hub, "p")
