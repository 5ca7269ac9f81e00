"""Protected processes: what somebody else does to one needs force and a reason, and nothing happens without."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.daemon.subscriber import Subscriber
from tests.kit import is_alive, program, wait_gone

OWNER = {"name": "claude-code", "pid": 11}
OTHER = {"name": "cursor", "pid": 22}
FORCED = {"force": True, "reason": "it blocks the port", "client": OTHER}
SLEEPER = program("sleeper")


@pytest.fixture
def held(hub: Hub) -> dict[str, Any]:
    """A process that is protected from its start."""
    return hub.ready(SLEEPER, name="p", protected=True, reason="a demo runs", client=OWNER)


ACTS: dict[str, dict[str, Any]] = {
    "stop_process": {},
    "restart_process": {},
    "signal_process": {"signal": "INT"},
    "send_process_input": {"input": "x"},
    "remove_process": {},
    "protect_process": {"protected": False},
    "configure_process": {"restart": "always"},
}


@pytest.mark.parametrize("method", ACTS)
def test_what_others_do_is_refused(hub: Hub, held: dict[str, Any], method: str) -> None:
    error = hub.error(method, "p", client=OTHER, **ACTS[method])
    assert error.code == "process_protected"
    assert f"{hub.project.name}/p is protected by claude-code since 20" in str(error)
    assert error.error["message"].endswith(": a demo runs; nothing was done")
    hint = error.error["data"]["hint"]
    assert "force and a reason" in hint
    assert ("grace_seconds" in hint) == (method in ("stop_process", "restart_process"))
    assert error.error["data"]["protected_by"] == OWNER
    without = hub.error(method, "p", client=OTHER, force=True, reason=" ", **ACTS[method])
    assert without.code == "process_protected"
    assert "force needs a reason" in without.error["data"]["hint"]
    status = hub.status("p")
    assert (status["state"], status["run"], status["protected_by"]) == ("running", 1, OWNER)
    assert is_alive(held["pid"])


@pytest.mark.parametrize("how", [{"fresh": True}, {"replace": True}, {"fresh": True, "protected": True}])
def test_starting_in_its_place_is_refused(hub: Hub, held: dict[str, Any], how: dict[str, Any]) -> None:
    command = [*SLEEPER, "other"] if "replace" in how else SLEEPER
    assert hub.error("start_process", command=command, name="p", client=OTHER, **how).code == "process_protected"
    assert hub.status("p")["run"] == 1
    replaced = hub.start(command, name="p", **how, **FORCED)
    assert (replaced["run"], replaced["replaced_run"]) == (2, 1)
    assert replaced["protected_by"] == (OTHER if "protected" in how else OWNER)


@pytest.mark.parametrize("method", [method for method in ACTS if method != "remove_process"])
def test_force_with_a_reason_does_it(hub: Hub, held: dict[str, Any], method: str) -> None:
    hub.call(method, "p", **ACTS[method], **FORCED)
    status = hub.status("p")
    if method == "stop_process":
        assert (status["state"], status["stopped_by"], status["stop_reason"]) == ("stopped", OTHER, FORCED["reason"])
        assert status["reason"] == "stopped by cursor: it blocks the port"
        assert status["signal"] == "SIGKILL"
        assert hub.error("remove_process", "p", client=OTHER).code == "process_protected", "an ended one is as well"
        hub.call("remove_process", "p", **FORCED)
    elif method == "restart_process":
        assert (status["run"], status["protected_by"]) == (2, OWNER)
    elif method == "protect_process":
        assert status["protected_by"] is None


@pytest.mark.parametrize(
    ("how", "ended_by"), [({}, "SIGKILL"), ({"grace_seconds": 5}, "SIGTERM"), ({"signal": "HUP"}, "SIGHUP")]
)
def test_by_force_it_still_can_end_softly(hub: Hub, held: dict[str, Any], how: dict[str, Any], ended_by: str) -> None:
    assert hub.stop("p", **how, **FORCED)["ended_by"] == ended_by


def test_its_owner_does_as_he_likes(hub: Hub, held: dict[str, Any]) -> None:
    owner = {"name": "claude-code", "pid": 999}  # the same agent, another time
    hub.call("signal_process", "p", signal="CONT", client=owner)
    hub.call("send_process_input", "p", input="x", client=owner)
    assert hub.call("restart_process", "p", client=owner)["protected_by"] == OWNER
    hub.stop("p", client=owner)
    hub.call("remove_process", "p", client=owner)


def test_reading_waiting_and_joining_is_for_all(hub: Hub, held: dict[str, Any]) -> None:
    joined = hub.start(SLEEPER, name="p", client=OTHER, protected=True)
    assert (joined["already_running"], joined["protected_by"]) == (True, OWNER)
    assert hub.call("wait_for_process", "p", state="running", client=OTHER)["pid"] == held["pid"]


def test_joining_protects_what_nobody_has_protected(hub: Hub) -> None:
    hub.ready(SLEEPER, name="p", client=OTHER)
    joined = hub.start(SLEEPER, name="p", client=OWNER, protected=True)
    assert (joined["already_running"], joined["protected_by"]) == (True, OWNER)
    assert hub.error("stop_process", "p", client=OTHER).code == "process_protected"


def test_protecting_and_no_longer(hub: Hub) -> None:
    watcher = Subscriber(hub, "watch_processes", types=["protected", "unprotected", "stopped"])
    hub.ready(SLEEPER, name="p")
    for _ in range(2):
        assert hub.call("protect_process", "p", client=OWNER, reason="a demo")["protected_by"] == OWNER
    assert hub.list()["p"]["protected_by"] == OWNER
    taken = hub.call("protect_process", "p", **FORCED)
    assert taken["protected_by"] == OTHER
    for _ in range(2):
        assert hub.call("protect_process", "p", protected=False, client=OTHER)["protected_by"] is None
    hub.stop("p", client=OWNER)
    watcher.until_event("stopped")
    assert [(event["type"], event["by"], event["reason"]) for event in watcher.events] == [
        ("protected", OWNER, "protected by claude-code: a demo"),
        ("protected", OTHER, "protected by cursor: it blocks the port"),
        ("unprotected", OTHER, "unprotected by cursor"),
        ("stopped", OWNER, "stopped by claude-code"),
    ]


def test_it_is_kept_when_the_daemon_dies(hub: Hub, restarted: Callable[[], Hub], held: dict[str, Any]) -> None:
    hub.ready([*SLEEPER, "later"], name="later")
    hub.call("protect_process", "later", client=OTHER)
    hub.call("restart_process", "p", client=OWNER)
    restarted()
    assert [hub.status(name)["protected_by"] for name in ("p", "later")] == [OWNER, OTHER]
    error = hub.error("stop_process", "p", client=OTHER)
    assert error.error["message"].endswith(": a demo runs; nothing was done")


def test_pruning_spares_it(hub: Hub) -> None:
    for name in ("a", "b"):
        hub.finish(["true"], name=name, client=OWNER, protected=name == "a")
    for dry in (True, False):
        pruned = hub.call("prune_processes", client=OTHER, dry_run=dry)["processes"]
        assert [each["name"] for each in pruned] == ["b"]
    assert [each["name"] for each in hub.call("prune_processes", client=OWNER)["processes"]] == ["a"]


def test_a_start_that_fails_protects_nothing(hub: Hub) -> None:
    old = hub.ready(SLEEPER, name="p")
    error = hub.error("start_process", command=["./none"], name="p", replace=True, protected=True, client=OWNER)
    assert error.code == "start_failed"
    assert hub.status("p")["protected_by"] is None
    record = json.loads((Path(hub.daemon.home.runs) / old["run_id"] / "record.json").read_text("ascii"))
    assert record["protection"] is None


def test_the_start_of_an_ended_one_leaves_its_owner(hub: Hub, held: dict[str, Any]) -> None:
    hub.stop("p", client=OWNER)
    again = hub.start(SLEEPER, name="p", client=OTHER, protected=True)
    assert (again["run"], again["protected_by"]) == (2, OWNER)


def test_what_it_left_behind_is_protected_as_well(hub: Hub) -> None:
    """A program that makes itself a daemon has ended; a plain start would end what it is now."""
    command = ["sh", "-c", "sleep 1000 >/dev/null & echo member $!"]
    hub.finish(command, name="p", protected=True, client=OWNER)
    member = int(hub.lines("p")[0].split()[1])
    assert hub.error("start_process", command=command, name="p", client=OTHER).code == "process_protected"
    assert is_alive(member)
    assert hub.start(command, name="p", **FORCED)["run"] == 2
    assert not is_alive(member)


def test_its_owner_gives_another_reason(hub: Hub, held: dict[str, Any]) -> None:
    watcher = Subscriber(hub, "watch_processes", types=["protected"])
    for reason in ({}, {"reason": "a demo runs"}, {"reason": "the second demo"}):
        hub.call("protect_process", "p", client=OWNER, **reason)
    assert watcher.until_event("protected")["reason"] == "protected by claude-code: the second demo"
    error = hub.error("stop_process", "p", client=OTHER)
    assert error.error["message"].endswith(": the second demo; nothing was done")


def test_it_does_not_keep_the_daemon_from_ending(hub: Hub, held: dict[str, Any]) -> None:
    reply = hub.connection.call("shutdown_daemon", stop_processes=True, client=OTHER)
    assert reply["stopped"] == [f"{hub.project.name}/p"]
    assert not is_alive(held["pid"])
    hub.forget_connections()
    wait_gone(hub.daemon.pid)
    hub.daemon.start()
    assert hub.status("p")["reason"] == "stopped by cursor: shutdown"
