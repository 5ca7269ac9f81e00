"""How a caller's words find a process: name, project/name, pid, command; the caller's own project first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon.hub import Hub
from tests.kit import program

SLEEPER = program("sleeper")


@pytest.fixture
def blog(hub: Hub) -> Path:
    """Another project."""
    path = hub.project.parent / "blog"
    path.mkdir()
    return path


def test_every_way(hub: Hub) -> None:
    info = hub.start(SLEEPER, name="web")
    for words in ("web", "shop/web", f"{hub.project}/web", info["pid"], str(info["pid"]), info["command"], " web "):
        assert hub.status(words)["run_id"] == info["run_id"], words


def test_a_name_of_another_project_is_found_when_it_is_the_only_one(hub: Hub, blog: Path) -> None:
    info = hub.start(SLEEPER, name="web", working_directory=str(blog))
    assert hub.status("web")["run_id"] == info["run_id"]


def test_from_nowhere_two_of_a_name_are_ambiguous(hub: Hub, blog: Path) -> None:
    hub.start(SLEEPER, name="web")
    hub.start(SLEEPER, name="web", working_directory=str(blog))
    elsewhere = str(hub.project.parent)
    error = hub.error("stop_process", "web", working_directory=elsewhere)
    assert error.code == "ambiguous_process"
    candidates = error.error["data"]["candidates"]
    assert {candidate["working_directory"] for candidate in candidates} == {str(hub.project), str(blog)}
    for candidate in candidates:
        found = hub.call("get_process_status", candidate["process"], working_directory=elsewhere)
        assert found["working_directory"] == candidate["working_directory"]
    assert all(process["state"] == "running" for process in hub.connection.call("list_processes")["processes"])


def test_a_subfolder_of_the_project_is_the_project(hub: Hub) -> None:
    (hub.project / ".git").mkdir()
    (hub.project / "sub").mkdir()
    info = hub.start(SLEEPER, name="web")
    assert hub.call("get_process_status", "web", working_directory=f"{hub.project}/sub")["pid"] == info["pid"]


def test_one_command_in_two_directories_is_ambiguous(hub: Hub) -> None:
    (hub.project / ".git").mkdir()
    for name in ("a", "b"):
        (hub.project / name).mkdir()
        hub.start(SLEEPER, name=name, working_directory=str(hub.project / name))
    error = hub.error("get_process_status", hub.status("a")["command"])
    assert error.code == "ambiguous_process"
    assert len(error.error["data"]["candidates"]) == 2


def test_not_found_names_the_nearest(hub: Hub) -> None:
    hub.start(SLEEPER, name="server")
    error = hub.error("stop_process", "sevrer")
    assert error.code == "process_not_found"
    assert "server" in error.error["data"]["candidates"]
    assert "server" in error.error["data"]["hint"]


@pytest.mark.parametrize("words", ["nothing", 999999999, "999999999", "a/b/c", "*", "", "sleep 'unclosed"])
@pytest.mark.parametrize("method", ["stop_process", "get_process_output", "wait_for_process"])
def test_not_found(hub: Hub, words: str | int, method: str) -> None:
    assert hub.error(method, words).code in ("process_not_found", "invalid_params")


def test_an_ended_process_is_found_by_name_and_command(hub: Hub) -> None:
    info = hub.finish(["true"], name="job")
    assert hub.status("job")["run_id"] == info["run_id"]
    assert hub.status("true")["run_id"] == info["run_id"]
