"""What looks left behind: which processes, why, and that pruning ends these and no others."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.daemon.subscriber import Subscriber
from tests.kit import eventually, free_port, is_alive, program

SLEEPER = program("sleeper")
AT_ONCE = "0s"
"""Whatever nobody uses this very moment."""


def stale(hub: Hub, **params: Any) -> dict[str, str]:
    """Why, by name."""
    params.setdefault("unused_for", AT_ONCE)
    return {name: info["stale"] for name, info in hub.list(stale=True, **params).items()}


@pytest.fixture
def agent() -> Iterator[subprocess.Popen[bytes]]:
    """A program that starts something and then ends."""
    process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    yield process
    process.kill()
    process.wait()


def test_what_nobody_uses_is_left_behind(hub: Hub) -> None:
    hub.start(SLEEPER, name="unused")
    hub.start(program("echo_stdin"), name="ended")
    hub.stop("ended")
    found = stale(hub)
    assert found.keys() == {"unused"}
    assert found["unused"].startswith("nobody has read its output or used its port for ")
    assert stale(hub, unused_for="1h") == {}
    assert hub.call("list_processes", stale=True)["processes"] == []
    assert hub.status("unused")["stale"] is None, "an hour is what is asked for without a word"
    assert "stale" not in {name for name, info in hub.list().items() if info["stale"] is not None}


def test_looking_at_it_is_no_use_of_it_and_reading_is(hub: Hub) -> None:
    hub.start(SLEEPER, name="p")
    hub.list()
    hub.call("get_process_log_paths", "p")
    assert hub.status("p")["last_used_at"] is None
    hub.await_line("p", "^ready")
    before = hub.status("p")["last_used_at"]
    assert before is not None
    for method, params in (
        ("get_process_output", {}),
        ("send_process_input", {"input": "x"}),
        ("signal_process", {"signal": "WINCH"}),
        ("start_process", {"command": SLEEPER, "name": "p"}),
    ):
        hub.call(method, **({} if method == "start_process" else {"process": "p"}), **params)
        now = hub.status("p")["last_used_at"]
        assert now > before, method
        before = now
        assert stale(hub, unused_for="10s") == {}


def test_whoever_follows_it_uses_it(hub: Hub) -> None:
    hub.ready(SLEEPER, name="p")
    follower = Subscriber(hub, processes=["p"])
    assert stale(hub) == {}
    follower.connection.close()
    eventually(lambda: "p" in stale(hub), what="nobody follows it any more")


def test_whoever_is_connected_to_it_uses_it(hub: Hub) -> None:
    port = free_port()
    hub.ready(program("http_server", port), name="p")
    with socket.create_connection(("127.0.0.1", port)) as client:
        assert stale(hub) == {}
        used = hub.status("p")["last_used_at"]
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        while client.recv(4096):
            pass
    assert stale(hub, unused_for="30s") == {}, "the kernel remembers it for a minute"
    assert hub.status("p")["last_used_at"] >= used
    eventually(lambda: "p" in stale(hub), what="nobody is connected any more")


def test_its_own_connections_do_not_count(hub: Hub) -> None:
    port = free_port()
    code = (
        "import socket, signal; s = socket.create_server(('127.0.0.1', int(__import__('sys').argv[1]))); "
        "c = socket.create_connection(s.getsockname()); a, _ = s.accept(); print('ready', flush=True); signal.pause()"
    )
    hub.ready([sys.executable, "-c", code, str(port)], name="p")
    assert "p" in stale(hub)


def test_what_is_wanted_is_never_left_behind(hub: Hub, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    for name, options in (("protected", {"protected": True}), ("autostart", {"autostart": True}), ("plain", {})):
        (gone / name).mkdir(parents=True)
        hub.start(SLEEPER, name=name, working_directory=str(gone / name), **options)
    shutil.rmtree(gone)
    found = {info["name"] for info in hub.connection.call("list_processes", stale=True)["processes"]}
    assert found == {"plain"}


def test_a_work_tree_that_is_gone(hub: Hub) -> None:
    (hub.project / ".git").mkdir()
    (hub.project / "web").mkdir()
    hub.ready(SLEEPER, name="p", working_directory=str(hub.project / "web"))
    (hub.project / "web").rmdir()
    assert stale(hub, unused_for="1d") == {"p": f"its directory {hub.project / 'web'} is gone"}
    assert hub.status("p")["stale"] == f"its directory {hub.project / 'web'} is gone"
    (hub.project / "web").mkdir()
    if sys.platform == "linux":
        assert "was deleted" in stale(hub, unused_for="1d")["p"]
    shutil.rmtree(hub.project)
    found = hub.connection.call("list_processes", stale=True)["processes"]
    assert [info["stale"] for info in found] == [f"its project {hub.project} is gone"]


def test_who_started_it_and_whether_he_is_there(hub: Hub, agent: subprocess.Popen[bytes]) -> None:
    client = {"name": "claude-code", "pid": agent.pid}
    hub.start(SLEEPER, name="p", client=client)
    assert "starter" not in stale(hub)["p"]
    agent.kill()
    agent.wait()
    ended = f"; its starter (claude-code, pid {agent.pid}) has ended"
    assert stale(hub)["p"].endswith(ended)
    hub.call("restart_process", "p", client={"name": "persistproc-cli", "pid": agent.pid})
    assert "starter" not in stale(hub)["p"], "the command line is over as soon as it has started something"


@pytest.mark.parametrize("method", ["list_processes", "prune_processes"])
@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"unused_for": "1h"}, "stale"),
        ({"stale": True, "unused_for": "yesterday"}, "unused_for"),
        ({"stale": True, "unused_for": "2026-01-01T00:00:00Z"}, "unused_for"),
    ],
)
def test_a_wrong_age_changes_nothing(hub: Hub, method: str, params: dict[str, Any], named: str) -> None:
    pid = hub.start(SLEEPER, name="p")["pid"]
    error = hub.error(method, **params)
    assert error.code == "invalid_params"
    assert named in error.error["message"]
    assert error.error["data"]["hint"]
    assert is_alive(pid)


# --- pruning --------------------------------------------------------------------------------------------------------


def test_pruning_stops_and_forgets_what_is_left_behind(hub: Hub, tmp_path: Path) -> None:
    left = hub.start(program("spawn_tree"), name="left")
    hub.await_line("left", "ready")
    kept = hub.ready(SLEEPER, name="kept", protected=True, client={"name": "ana"})
    used = hub.ready(program("echo_stdin"), name="used")
    other = hub.start(SLEEPER, name="elsewhere", working_directory=str(tmp_path))
    hub.finish(["true"], name="done")
    follower = Subscriber(hub, processes=["used"])
    watcher = Subscriber(hub, "watch_processes", types=["stopped", "removed"])
    who = {"name": "cursor"}
    told = hub.call("prune_processes", stale=True, unused_for=AT_ONCE, dry_run=True, client=who)
    assert is_alive(left["pid"])
    assert {each["name"]: (each["stopped"], each["removed"]) for each in told["processes"]} == {
        "left": (True, True),
        "done": (False, True),
    }
    assert hub.call("prune_processes", stale=True, unused_for=AT_ONCE, client=who) == told
    assert hub.list().keys() == {"kept", "used"}
    assert [is_alive(info["pid"]) for info in (left, kept, used, other)] == [False, True, True, True]
    assert not os.path.exists(os.path.join(hub.daemon.home.runs, left["run_id"]))
    watcher.until(lambda: len(watcher.events) == 3)
    stopped = next(event for event in watcher.events if event["type"] == "stopped")
    assert stopped["by"]["name"] == "cursor"
    assert "nobody has read its output" in stopped["reason"]
    follower.connection.close()


def test_pruning_keeps_runs_where_that_is_asked(hub: Hub) -> None:
    pid = hub.start(SLEEPER, name="p")["pid"]
    reply = hub.call("prune_processes", stale=True, unused_for=AT_ONCE, keep_runs=1, older_than="1h")
    assert [(each["name"], each["runs"], each["stopped"], each["removed"]) for each in reply["processes"]] == [
        ("p", 0, True, False)
    ]
    assert not is_alive(pid)
    assert hub.state("p") == "stopped"
    assert hub.call("prune_processes")["processes"][0]["removed"]


def test_pruning_without_stale_stops_nothing(hub: Hub) -> None:
    pid = hub.start(SLEEPER, name="p")["pid"]
    assert hub.call("prune_processes", keep_runs=0)["processes"] == []
    assert is_alive(pid)
