"""Input, signals, removal, and the runs that are kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon.hub import Hub
from tests.kit import eventually, is_alive, program


def test_input_with_and_without_newline(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="p")
    assert hub.call("send_process_input", "p", input="one")["bytes"] == 4
    assert hub.await_line("p", "got: one") == "got: one"
    hub.call("send_process_input", "p", input="tw", newline=False)
    assert hub.call("send_process_input", "p", input="ö\n", newline=False)["bytes"] == 3
    assert hub.await_line("p", "got: tw") == "got: twö"
    hub.call("send_process_input", "p", input="")
    assert hub.await_line("p", "got: $") == "got: "


def test_a_prompt_is_answered(hub: Hub) -> None:
    hub.start(program("prompt"), name="p")
    assert hub.await_line("p", r"name\? $") == "name? "
    hub.call("send_process_input", "p", input="Ada")
    assert hub.call("wait_for_process", "p")["exit_code"] == 0
    assert hub.lines("p") == ["name? hello Ada"]


def test_input_that_nobody_reads(hub: Hub) -> None:
    """It fits until the FIFO is full; then the caller is told, and neither waits nor loses track."""
    hub.ready(program("sleeper"), name="p")
    text = "x" * 60_000
    hub.call("send_process_input", "p", input=text)
    for _ in range(40):
        reply = hub.connection.request("send_process_input", {"process": "p", "input": text})
        if "error" in reply:
            break
    assert reply["error"]["data"]["error"] == "input_not_read"
    assert hub.state("p") == "running"


def test_what_is_over_takes_no_input_and_no_signal(hub: Hub) -> None:
    hub.finish(["true"], name="p")
    assert hub.error("send_process_input", "p", input="x").code == "not_running"
    assert hub.error("signal_process", "p", signal="HUP").code == "not_running"


@pytest.mark.parametrize("name", ["SIGHUP", "HUP", "hup", "1"])
def test_a_signal_by_any_name(hub: Hub, name: str) -> None:
    hub.ready(program("tell_signals"), name="p")
    assert hub.call("signal_process", "p", signal=name)["state"] == "running"
    assert hub.await_line("p", "^SIGHUP")


def test_a_signal_to_the_leader_alone(hub: Hub) -> None:
    hub.ready(program("spawn_tree", "plain"), name="p")
    member = int(hub.lines("p")[0].split()[1])
    hub.call("signal_process", "p", signal="USR1", to="leader")
    assert hub.call("wait_for_process", "p")["signal"] == "SIGUSR1"
    assert is_alive(member)


def test_a_signal_to_the_group(hub: Hub) -> None:
    hub.ready(program("spawn_tree", "plain"), name="p")
    hub.call("signal_process", "p", signal="USR1")
    hub.call("wait_for_process", "p")
    assert hub.stop("p")["already_stopped"] in (True, False)
    assert hub.list()["p"]["survivors"] == []


def test_a_signal_that_ends_it_is_a_failure_not_a_stop(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    hub.call("signal_process", "p", signal="KILL")
    assert hub.call("wait_for_process", "p")["state"] == "failed"


def test_remove_deletes_the_output(hub: Hub) -> None:
    folders = []
    for _ in range(2):
        hub.finish(["true"], name="p")
        folders.append(Path(hub.status("p")["log_directory"]))
    assert hub.call("remove_process", "p")["runs"] == 2
    assert not any(folder.exists() for folder in folders)
    assert hub.error("get_process_status", "p").code == "process_not_found"


def test_what_runs_is_not_removed(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    assert hub.error("remove_process", "p").code == "still_running"
    assert hub.lines("p") == ["ready"]


def test_a_removed_name_is_free(hub: Hub) -> None:
    hub.finish(["true"], name="p")
    hub.call("remove_process", "p")
    assert hub.start(program("sleeper"), name="p")["run"] == 1


def test_twenty_runs_are_kept_and_read_after_a_restart(hub: Hub, restarted: Callable[[], Hub]) -> None:
    for _ in range(23):
        hub.finish(["sh", "-c", "echo $PERSISTPROC_RUN; exit 7"], name="p")
    restarted()
    status = hub.status("p")
    assert [run["run"] for run in status["history"]] == list(range(23, 3, -1))
    assert status["runs"] == 20
    assert {run["exit_code"] for run in status["history"]} == {7}
    eventually(lambda: len(os.listdir(hub.daemon.home.runs)) == 20)
    for number in (4, 22, 23):
        run_id = next(run["run_id"] for run in status["history"] if run["run"] == number)
        assert hub.lines("p", run=number) == [run_id]
    assert hub.error("get_process_output", "p", run=3).code == "process_not_found"
    assert hub.lines("p", run="previous") == hub.lines("p", run=22)
