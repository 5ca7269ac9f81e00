"""Starting: one process for each name, and who starts what runs joins it and hears what differs."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.daemon.hub import Hub, at_once
from tests.kit import eventually, program

SLEEPER = program("sleeper")


def differences(reply: dict[str, object]) -> dict[str, dict[str, object]]:
    found = reply["differences"]
    assert isinstance(found, list)
    return {difference["what"]: difference for difference in found}


def test_a_start_answers_when_the_command_runs(hub: Hub) -> None:
    info = hub.start(SLEEPER, client={"name": "cursor", "version": "1.2", "directory": str(hub.project)})
    assert info["state"] == "running"
    words = Path(f"/proc/{info['pid']}/cmdline")
    # At the end of execve(2) it shows none for an instant.
    eventually(words.read_bytes, what="it has its command line")
    assert words.read_bytes().split(b"\0")[0] == SLEEPER[0].encode()
    assert info["already_running"] is False
    assert info["run"] == 1
    assert info["run_id"].startswith(f"{info['name']}.1.")
    assert info["working_directory"] == info["project_directory"] == str(hub.project)
    assert info["project"] == "shop"
    assert info["argv"] == SLEEPER
    assert info["started_by"] == {
        "name": "cursor",
        "version": "1.2",
        "pid": os.getpid(),
        "directory": str(hub.project),
    }


def test_the_pid_of_the_client_comes_from_the_kernel(hub: Hub) -> None:
    assert hub.start(SLEEPER)["started_by"]["pid"] == os.getpid()


def test_the_same_command_in_the_same_directory_joins(hub: Hub) -> None:
    first, second = hub.start(SLEEPER), hub.start(SLEEPER)
    assert second["already_running"] is True
    assert (second["pid"], second["run_id"]) == (first["pid"], first["run_id"])
    assert second["differences"] == []


def test_the_same_name_joins(hub: Hub) -> None:
    assert hub.start(SLEEPER, name="web")["pid"] == hub.start(SLEEPER, name="web")["pid"]


def test_a_join_says_that_the_name_differs(hub: Hub) -> None:
    hub.start(SLEEPER, name="web")
    # Another name for what already runs: the same process, or nothing would be shared.
    reply = hub.start(SLEEPER, name="api")
    assert reply["already_running"] is True
    assert differences(reply) == {"name": {"what": "name", "asked": "api", "running": "web"}}


def test_a_join_says_which_variables_differ_and_no_value(hub: Hub) -> None:
    base = {"PATH": os.environ["PATH"], "SAME": "s", "GONE": "secret-1", "OTHER": "secret-2"}
    hub.start(SLEEPER, inherit_environment=False, environment=base)
    asked = {"PATH": os.environ["PATH"], "SAME": "s", "NEW": "secret-3", "OTHER": "secret-4"}
    reply = hub.start(SLEEPER, inherit_environment=False, environment=asked)
    assert differences(reply) == {
        "environment": {"what": "environment", "added": ["NEW"], "removed": ["GONE"], "changed": ["OTHER"]}
    }
    assert "secret-" not in json.dumps(reply)


def test_a_join_says_that_the_port_differs(hub: Hub) -> None:
    hub.start(SLEEPER, environment={"PORT": "3000"})
    reply = hub.start(SLEEPER, environment={"PORT": "4000"})
    assert differences(reply)["port"] == {"what": "port", "asked": "4000", "running": "3000"}


def test_a_join_by_name_says_that_the_directory_differs(hub: Hub) -> None:
    (hub.project / ".git").mkdir()
    (hub.project / "sub").mkdir()
    hub.start(SLEEPER, name="web")
    reply = hub.start(SLEEPER, name="web", working_directory=str(hub.project / "sub"))
    assert reply["already_running"] is True
    assert differences(reply)["working_directory"] == {
        "what": "working_directory",
        "asked": str(hub.project / "sub"),
        "running": str(hub.project),
    }


def test_a_link_to_the_directory_is_the_same_directory(hub: Hub) -> None:
    (hub.project.parent / "link").symlink_to(hub.project)
    first = hub.start(SLEEPER)
    assert hub.start(SLEEPER, working_directory=str(hub.project.parent / "link"))["pid"] == first["pid"]


def test_ten_callers_at_once_start_one_process(hub: Hub) -> None:
    connections = [hub.connect() for _ in range(10)]
    params = {"command": SLEEPER, "working_directory": str(hub.project)}
    replies = at_once(*(lambda c=c: c.call("start_process", **params) for c in connections))
    assert len({reply["pid"] for reply in replies}) == 1
    assert sorted(reply["already_running"] for reply in replies) == [False] + [True] * 9
    assert len(hub.list()) == 1


def test_ten_callers_at_once_with_ten_names_start_one_process(hub: Hub) -> None:
    connections = [hub.connect() for _ in range(10)]
    replies = at_once(
        *(
            lambda c=c, n=n: c.call("start_process", command=SLEEPER, name=f"n{n}", working_directory=str(hub.project))
            for n, c in enumerate(connections)
        )
    )
    assert len({reply["pid"] for reply in replies}) == 1


def test_an_ended_process_is_started_again_under_its_name(hub: Hub) -> None:
    assert hub.finish(program("exit_n", 0))["run"] == 1
    again = hub.finish(program("exit_n", 0))
    assert again["run"] == 2
    assert len(hub.list()) == 1


def test_another_command_of_that_name_is_refused_with_what_to_do(hub: Hub) -> None:
    first = hub.start(SLEEPER, name="web")
    error = hub.error("start_process", command=["sleep", "77"], name="web")
    assert error.code == "name_taken"
    data = error.error["data"]
    assert (data["running"], data["asked"], data["pid"]) == (first["command"], "sleep 77", first["pid"])
    for word in ("restart", "replace", "name"):
        assert word in data["hint"]
    assert hub.state("web") == "running"


def test_replace_stops_the_old_command(hub: Hub) -> None:
    old = hub.start(SLEEPER, name="web")
    new = hub.start(["sleep", "77"], name="web", replace=True)
    assert new["pid"] != old["pid"]
    assert not os.path.exists(f"/proc/{old['pid']}")
    assert (new["run"], new["command"], new["already_running"]) == (2, "sleep 77", False)
    assert [run["state"] for run in hub.status("web")["history"]] == ["running", "stopped"]


def test_fresh_restarts_with_what_is_given(hub: Hub) -> None:
    old = hub.start(SLEEPER, environment={"A": "1"})
    new = hub.start(SLEEPER, environment={"B": "1"}, fresh=True)
    assert new["pid"] != old["pid"]
    assert "B" in hub.status(new["name"])["environment_names"]
    assert "A" not in hub.status(new["name"])["environment_names"]


def test_another_command_of_an_ended_name_is_started(hub: Hub) -> None:
    hub.finish(["true"], name="job")
    assert hub.finish(["false"], name="job")["exit_code"] == 1


def test_names_are_made_from_the_command(hub: Hub) -> None:
    assert hub.start(["sleep", "1001"])["name"] == "sleep"
    assert hub.start(["sleep", "1002"])["name"] == "sleep-2"


@pytest.mark.parametrize("name", ["web", "api-2", "worker.high", "a_b:c@d+e", "ünïcode", "サーバー", "x" * 64])
def test_names_that_are_allowed(hub: Hub, name: str) -> None:
    assert hub.start(SLEEPER, name=name)["name"] == name
    assert hub.status(name)["pid"]


@pytest.mark.parametrize("name", ["", "-x", ".x", "12", "a b", "a/b", "a\nb", "a\0b", "\x1b[31m", "x" * 65, "../x"])
def test_names_that_are_refused(hub: Hub, name: str) -> None:
    error = hub.error("start_process", command=SLEEPER, name=name)
    assert error.code == "invalid_params"
    assert hub.list() == {}


def test_the_git_work_tree_is_the_project(hub: Hub) -> None:
    subprocess.run(["git", "init", "-q", str(hub.project)], check=True)
    sub = hub.project / "packages" / "api"
    sub.mkdir(parents=True)
    info = hub.start(SLEEPER, working_directory=str(sub))
    assert info["project_directory"] == str(hub.project)
    assert info["working_directory"] == str(sub)
    assert info["name"] in hub.list()
    assert hub.status(info["name"])["pid"] == info["pid"]


def test_two_projects_have_an_api_each(hub: Hub) -> None:
    other = hub.project.parent / "blog"
    other.mkdir()
    ours = hub.start(SLEEPER, name="api")
    theirs = hub.start(SLEEPER, name="api", working_directory=str(other))
    assert ours["pid"] != theirs["pid"]
    assert hub.status("api")["pid"] == ours["pid"]
    assert hub.call("get_process_status", "api", working_directory=str(other))["pid"] == theirs["pid"]
    assert set(hub.list()) == {"api"}
    assert len(hub.connection.call("list_processes")["processes"]) == 2
    assert len(hub.call("list_processes", all_projects=True)["processes"]) == 2


@pytest.mark.parametrize("directory", ["relative", "./x", "~"])
def test_a_relative_directory_is_refused(hub: Hub, directory: str) -> None:
    assert hub.error("start_process", command=SLEEPER, working_directory=directory).code == "invalid_params"
