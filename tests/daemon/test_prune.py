"""Forgetting what has ended: which runs go, what is told, and that nothing that lives is touched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.kit import is_alive, program

Pruned = dict[str, tuple[int, bool]]


def prune(hub: Hub, **params: Any) -> Pruned:
    """By name: how many runs went, and whether nothing is left."""
    reply = hub.call("prune_processes", **params)
    assert reply["bytes"] == sum(each["bytes"] for each in reply["processes"])
    return {each["name"]: (each["runs"], each["removed"]) for each in reply["processes"]}


def runs(hub: Hub, name: str) -> list[int]:
    return [run["run"] for run in hub.status(name)["history"]]


def folders(hub: Hub) -> set[str]:
    return {path.name for path in Path(hub.daemon.home.runs).iterdir()}


@pytest.fixture
def mixed(hub: Hub) -> Hub:
    """``done`` has ended three times, ``live`` has two old runs and lives, ``once`` has printed a million bytes."""
    for _ in range(3):
        hub.finish(["true"], name="done")
    for _ in range(2):
        hub.finish(["true"], name="live")
    hub.ready(program("sleeper"), name="live")
    hub.finish(program("write_bytes", 1_000_000), name="once")
    return hub


def test_what_has_ended_goes(mixed: Hub) -> None:
    pid = mixed.status("live")["pid"]
    before = folders(mixed)
    assert prune(mixed) == {"done": (3, True), "once": (1, True)}
    assert mixed.list().keys() == {"live"}
    assert runs(mixed, "live") == [3, 2, 1]
    assert is_alive(pid)
    assert len(before - folders(mixed)) == 4
    assert prune(mixed) == {}


def test_bytes_are_told_and_gone(mixed: Hub) -> None:
    status = mixed.connection.call("get_daemon_status")["output_bytes"]
    reply = mixed.call("prune_processes")
    once = next(each for each in reply["processes"] if each["name"] == "once")
    assert 1_000_000 <= once["bytes"] < 1_010_000
    assert mixed.connection.call("get_daemon_status")["output_bytes"] == status - reply["bytes"]


def test_a_dry_run_tells_the_same_and_does_nothing(mixed: Hub) -> None:
    before = folders(mixed)
    told = mixed.call("prune_processes", dry_run=True, keep_runs=1)
    assert folders(mixed) == before
    assert mixed.call("prune_processes", keep_runs=1) == told
    assert {each["name"]: each["runs"] for each in told["processes"]} == {"done": 2, "live": 2}


@pytest.mark.parametrize(
    ("keep", "done", "live"), [(0, None, [3]), (1, [3], [3]), (2, [3, 2], [3, 2]), (4, [3, 2, 1], [3, 2, 1])]
)
def test_the_newest_runs_are_kept(mixed: Hub, keep: int, done: list[int] | None, live: list[int]) -> None:
    prune(mixed, keep_runs=keep)
    assert ("done" in mixed.list()) == (done is not None)
    assert done is None or runs(mixed, "done") == done
    assert runs(mixed, "live") == live
    assert mixed.state("live") == "running"


def test_only_what_is_old(mixed: Hub) -> None:
    assert prune(mixed, older_than="1h") == {}
    assert prune(mixed, older_than="2020-01-01T00:00:00Z") == {}
    mixed.finish(["true"], name="newer")
    moment = mixed.status("newer")["ended_at"]
    assert set(prune(mixed, older_than=moment)) == {"done", "once"}
    assert prune(mixed, older_than="0s") == {"newer": (1, True)}


def test_a_run_that_is_younger_stays(hub: Hub) -> None:
    hub.finish(["true"], name="p")
    moment = hub.finish(["true"], name="p")["ended_at"]
    hub.finish(["true"], name="p")
    assert prune(hub, older_than=moment) == {"p": (1, False)}
    assert runs(hub, "p") == [3, 2]


def test_other_projects_only_when_asked(hub: Hub, tmp_path: Path) -> None:
    hub.finish(["true"], name="here")
    hub.finish(["true"], name="there", working_directory=str(tmp_path))
    assert set(prune(hub)) == {"here"}
    assert prune(hub, all_projects=True) == {"there": (1, True)}
    hub.finish(["true"], name="here")
    reply = hub.connection.call("prune_processes")
    assert [each["project"] for each in reply["processes"]] == ["shop"]


def test_what_an_ended_run_left_alive_protects_it(hub: Hub) -> None:
    hub.start(program("leader_dies"), name="p")
    hub.await_state("p", "exited")
    assert hub.status("p")["survivors"]
    assert prune(hub) == {}
    hub.stop("p", force=True)
    assert prune(hub) == {"p": (1, True)}


@pytest.mark.parametrize("text", ["yesterday", "5 moons", "mark:x", "1:2:3", "-1h"])
def test_an_age_that_is_none(mixed: Hub, text: str) -> None:
    before = folders(mixed)
    error = mixed.error("prune_processes", older_than=text)
    assert error.code == "invalid_params"
    assert "older_than" in error.error["message"]
    assert error.error["data"]["hint"]
    assert folders(mixed) == before


def test_what_cannot_be_deleted_is_named(own: Hub) -> None:
    """The folder's new name is taken by a file: root is refused by nothing else."""
    for name in ("a", "b", "c"):
        own.finish(["true"], name=name)
    stuck = own.status("b")["run_id"]
    (Path(own.daemon.home.runs) / f".deleted-{stuck}").touch()
    error = own.error("prune_processes")
    assert error.code == "storage_failed"
    assert stuck in error.error["message"]
    assert [each["name"] for each in error.error["data"]["processes"]] == ["a"]
    assert own.list().keys() == {"b", "c"}
    (Path(own.daemon.home.runs) / f".deleted-{stuck}").unlink()
    assert prune(own) == {"b": (1, True), "c": (1, True)}


def test_it_is_told_to_those_who_watch(mixed: Hub) -> None:
    watching = mixed.connect()
    watching.call("watch_processes", types=["removed"], working_directory=str(mixed.project))
    prune(mixed)
    assert {watching.read()["params"]["event"]["name"] for _ in range(2)} == {"done", "once"}


def test_it_lasts(hub: Hub, restarted: Callable[[], Hub]) -> None:
    for _ in range(2):
        hub.finish(["true"], name="p")
    prune(hub, keep_runs=1)
    assert runs(restarted(), "p") == [2]
    assert hub.finish(["true"], name="p")["run"] == 3
