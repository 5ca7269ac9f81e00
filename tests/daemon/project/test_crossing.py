"""An up and a down of one project that meet: what comes later waits, or is done whole; nothing is left half."""

from __future__ import annotations

from tests.daemon.project.team import Team
from tests.kit import eventually, program


def test_an_up_begins_after_the_down_that_is_under_way(team: Team) -> None:
    """Else it would find ``db`` running, and begin ``api`` right before ``db`` is stopped."""
    stubborn = team.process("web", 'needs = ["db"]', command=program("ignore_term"))
    team.write(team.process("db"), team.process("api", 'needs = ["db"]'), stubborn)
    team.up()
    down = team.hub.aside("stop_project", grace_seconds=1.5)
    eventually(lambda: not team.hub.status("api")["state"] == "running")
    up = team.up_aside()
    assert set(team.outcomes(down.result(10)).values()) == {"stopped"}
    assert team.outcomes(up.result(10)) == {"db": "started", "api": "started", "web": "started"}
    assert {each["state"] for each in team.hub.list().values()} == {"running"}


def test_a_run_that_takes_the_place_of_another_is_waited_for(team: Team) -> None:
    team.write(team.process("db", command=program("echo_stdin"), ready='{ output = "^got: go" }'))
    up = team.up_aside()
    eventually(lambda: "db" in team.hub.list())
    team.hub.call("restart_process", "db")
    team.say("db", "go")
    reply = up.result(10)
    assert team.outcomes(reply) == {"db": "started"}, reply


def test_signal_number(team: Team) -> None:
    team.write(team.process("db", 'stop_signal = "41"'))
    team.up()
    assert team.outcomes(team.down()) == {"db": "stopped"}


def test_one_shot_with_ready(team: Team) -> None:
    team.write(
        team.process("db", command=["sh", "-c", "echo ready"]), team.process("api", 'needs = { db = "completed" }')
    )
    assert team.outcomes(team.up()) == {"db": "started", "api": "started"}
    assert team.outcomes(team.up()) == {"db": "unchanged", "api": "unchanged"}
