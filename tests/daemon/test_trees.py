"""`stopped` means stopped: nothing of a run survives, wherever it went, and the answer comes after the last is gone."""

from __future__ import annotations

import pytest

from tests.daemon.hub import Hub
from tests.kit import eventually, is_alive, program, wait_gone

KINDS = ["plain", "background", "nohup", "setsid", "double"]


def tree(hub: Hub, *kinds: str) -> dict[str, int]:
    """Starts a tree; the pids of its grandchildren by kind, and of its leader."""
    info = hub.ready(program("spawn_tree", *kinds), name="tree")
    pids = dict(line.split() for line in hub.lines("tree") if line != "ready")
    return {**{kind: int(pid) for kind, pid in pids.items()}, "leader": info["pid"]}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind(hub: Hub, kind: str) -> None:
    pids = tree(hub, kind)
    reply = hub.stop("tree", grace_seconds=3)
    assert not [pid for pid in pids.values() if is_alive(pid)]
    assert set(reply["stopped_pids"]) == set(pids.values())
    assert reply["ended_by"] == "SIGTERM"


def test_all_at_once_that_ignore_sigterm(hub: Hub) -> None:
    pids = tree(hub, *KINDS, "ignore-term")
    reply = hub.stop("tree", grace_seconds=0.3)
    assert not [pid for pid in pids.values() if is_alive(pid)]
    assert set(reply["stopped_pids"]) == set(pids.values())
    assert reply["ended_by"] == "SIGKILL"


def test_force(hub: Hub) -> None:
    pids = tree(hub, *KINDS, "ignore-term")
    hub.stop("tree", force=True)
    assert not [pid for pid in pids.values() if is_alive(pid)]


def test_those_that_left_the_session_can_be_spared(hub: Hub) -> None:
    """A browser that a dev server opened."""
    pids = tree(hub, "plain", "setsid", "double")
    reply = hub.stop("tree", leave_escaped=True)
    assert {kind for kind, pid in pids.items() if is_alive(pid)} == {"setsid", "double"}
    assert reply["state"] == "stopped"
    assert hub.list()["tree"]["processes"] == 2
    assert set(hub.list()["tree"]["survivors"]) == {pids["setsid"], pids["double"]}
    assert set(hub.stop("tree")["stopped_pids"]) == {pids["setsid"], pids["double"]}
    assert not is_alive(pids["setsid"])


def test_a_leader_that_dies_at_once_while_a_member_ignores_sigterm(hub: Hub) -> None:
    hub.start(["sh", "-c", "trap '' TERM; sleep 1000 & trap - TERM; echo member $!; echo ready; sleep 1000"], name="p")
    hub.await_line("p", "ready")
    member = int(hub.lines("p")[0].split()[1])
    reply = hub.stop("p", grace_seconds=0.3)
    assert member in reply["stopped_pids"]
    assert not is_alive(member)
    assert reply["ended_by"] == "SIGKILL"
    assert reply["signal"] == "SIGTERM"  # which is what ended the leader


def test_what_a_dead_leader_left_is_listed_and_stopped(hub: Hub) -> None:
    info = hub.finish(program("leader_dies"), name="p")
    assert info["state"] == "exited"
    member = int(hub.lines("p")[0].split()[1])
    listed = hub.list()["p"]
    assert (listed["survivors"], listed["processes"]) == ([member], 1)
    assert set(hub.list(running=True)) == {"p"}
    assert hub.error("remove_process", "p").code == "still_running"
    reply = hub.stop("p", grace_seconds=0.2)
    assert (reply["stopped_pids"], reply["already_stopped"], reply["state"]) == ([member], False, "exited")
    assert not is_alive(member)
    assert hub.list()["p"]["survivors"] == []


def test_a_survivor_that_ends_by_itself_is_let_go(hub: Hub) -> None:
    hub.finish(["sh", "-c", "sleep 0.3 & echo $!"], name="p")
    member = int(hub.lines("p")[0])
    wait_gone(member)
    eventually(lambda: hub.list()["p"]["survivors"] == [])
    eventually(lambda: hub.stop("p")["already_stopped"])


def test_a_new_run_waits_for_what_the_old_one_left(hub: Hub) -> None:
    hub.finish(program("leader_dies"), name="p")
    member = int(hub.lines("p")[0].split()[1])
    assert hub.call("restart_process", "p", grace_seconds=0.2)["run"] == 2
    assert not is_alive(member)


def test_the_output_of_a_survivor_is_still_kept(hub: Hub) -> None:
    hub.finish(["sh", "-c", "exec 3<&0; (read line <&3; echo late) & echo early"], name="p")
    path = hub.log_path("p")
    with open(path.with_name("stdin"), "wb", buffering=0) as stdin:
        stdin.write(b"go\n")
    eventually(lambda: hub.lines("p") == ["early", "late"])


def test_a_tree_that_keeps_forking_is_ended(hub: Hub) -> None:
    """New processes appear while the old ones are signalled."""
    script = "trap '' TERM; while :; do sleep 0.05 & done"
    hub.start(["sh", "-c", f"echo ready; ulimit -u 4000; {script.replace('done', 'sleep 0.01; done')}"], name="p")
    hub.await_line("p", "ready")
    hub.stop("p", grace_seconds=0.2)
    assert hub.list()["p"]["processes"] == 0
