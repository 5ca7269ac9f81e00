"""Who did what, and why: kept with each run, told with each event, and known after the daemon's death."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.daemon.hub import Hub
from tests.daemon.subscriber import Subscriber
from tests.kit import program

STARTER = {"name": "claude-code", "version": "2.1", "pid": 11, "directory": "/home/me/shop", "session": "s1"}
OTHER = {"name": "cursor", "pid": 22}
THIRD = {"name": "persistproc-cli", "pid": 33}
SLEEPER = program("sleeper")
WHO = ("started_by", "start_reason", "replaced_run", "stopped_by", "stop_reason")


def who(run: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(run[field] for field in WHO)


def test_a_life_is_told_with_all_who_took_part(hub: Hub, restarted: Callable[[], Hub]) -> None:
    watcher = Subscriber(
        hub, "watch_processes", types=["started", "restarted", "stopping", "stopped", "exited", "removed"]
    )
    hub.ready(SLEEPER, name="p", client=STARTER, reason="work on the shop")
    assert who(hub.status("p")) == (STARTER, "work on the shop", None, None, None)
    hub.call("restart_process", "p", client=OTHER, reason="dependency update")
    hub.stop("p", client=THIRD)
    newest, oldest = hub.status("p")["history"]
    assert who(oldest) == (STARTER, "work on the shop", None, OTHER, "dependency update")
    assert who(newest) == (OTHER, "dependency update", 1, THIRD, None)
    assert (oldest["reason"], newest["reason"]) == (
        "restarted by cursor: dependency update",
        "stopped by persistproc-cli",
    )
    assert who(hub.list()["p"]) == who(newest)
    watcher.until(lambda: watcher.kinds.count("stopped") == 2)
    restart = (OTHER, "restarted by cursor: dependency update")
    assert [(event["type"], event["by"], event["reason"]) for event in watcher.events] == [
        ("started", STARTER, "started by claude-code: work on the shop"),
        ("stopping", *restart),
        ("stopped", *restart),
        ("started", *restart),
        ("restarted", *restart),
        ("stopping", THIRD, "stopped by persistproc-cli"),
        ("stopped", THIRD, "stopped by persistproc-cli"),
    ]
    restarted()
    assert hub.status("p")["history"] == [newest, oldest]
    watcher = Subscriber(hub, "watch_processes", after=0, types=["removed", "restarted"])
    hub.call("remove_process", "p", client=STARTER, reason="done")
    removed = watcher.until_event("removed")
    assert (removed["by"], removed["reason"]) == (STARTER, "removed by claude-code: done")
    assert watcher.events[-2]["by"] == OTHER, "the journal has kept it"


def test_what_ended_by_itself_was_stopped_by_nobody(hub: Hub) -> None:
    watcher = Subscriber(hub, "watch_processes", types=["failed"])
    hub.finish(["sh", "-c", "exit 3"], name="p", client=STARTER)
    assert who(hub.status("p")) == (STARTER, None, None, None, None)
    assert "by" not in watcher.until_event("failed")


def test_replacing_and_starting_afresh_is_a_restart(hub: Hub) -> None:
    hub.ready(SLEEPER, name="p", client=STARTER)
    hub.start(SLEEPER, name="p", fresh=True, client=OTHER, reason="new settings")
    watcher = Subscriber(hub, "watch_processes", types=["started", "restarted", "stopping", "stopped"], after=0)
    hub.start(["sleep", "100"], name="p", replace=True, client=THIRD)
    third, second, first = hub.status("p")["history"]
    assert [run["replaced_run"] for run in (third, second, first)] == [2, 1, None]
    assert (first["stopped_by"], first["stop_reason"]) == (OTHER, "new settings")
    assert (second["stopped_by"], second["reason"]) == (THIRD, "replaced by persistproc-cli")
    watcher.until(lambda: watcher.kinds.count("restarted") == 2)
    assert [(event["type"], event["reason"]) for event in watcher.events[1:]] == [
        *((kind, "restarted by cursor: new settings") for kind in ("stopping", "stopped", "started", "restarted")),
        *((kind, "replaced by persistproc-cli") for kind in ("stopping", "stopped", "started", "restarted")),
    ]
    hub.stop("p")
    assert hub.start(["sleep", "100"], name="p")["replaced_run"] is None, "there was nothing in whose place it came"


def test_a_stop_that_the_daemon_did_not_survive(hub: Hub, restarted: Callable[[], Hub]) -> None:
    """The next one goes on with it, and knows for whom."""
    hub.ready(program("ignore_term"), name="p", client=STARTER)
    watcher = Subscriber(hub, "watch_processes", types=["stopping"])
    stopping = hub.aside("stop_process", "p", client=OTHER, reason="too loud", grace_seconds=1000)
    watcher.until_event("stopping")
    record = Path(hub.daemon.home.runs) / hub.status("p")["run_id"] / "record.json"
    assert json.loads(record.read_text("ascii"))["state"] == "stopping"
    restarted()
    assert stopping.exception(10) is not None
    hub.call("signal_process", "p", signal="KILL")
    ended = hub.call("wait_for_process", "p", timeout_seconds=20)
    assert (ended["stopped_by"], ended["stop_reason"]) == (OTHER, "too loud")
    assert ended["reason"] == "stopped by cursor: too loud"


def test_what_the_prune_removes_has_its_author(hub: Hub) -> None:
    hub.finish(["true"], name="p")
    watcher = Subscriber(hub, "watch_processes", types=["removed"])
    hub.call("prune_processes", client=OTHER)
    event = watcher.until_event("removed")
    assert (event["by"], event["reason"]) == (OTHER, "pruned by cursor")
