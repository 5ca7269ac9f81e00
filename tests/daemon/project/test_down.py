"""Taking a project down: each after those that need it, and nothing that is not its own."""

from __future__ import annotations

from tests.daemon.project.team import Team
from tests.kit import eventually, program


def test_each_goes_after_those_that_need_it(team: Team) -> None:
    team.write(team.process("db"), team.process("api", 'needs = ["db"]'), team.process("web", 'needs = ["api"]'))
    team.up()
    team.hub.start(program("echo_stdin"), name="by-hand")
    reply = team.down(reason="lunch")
    assert [each["name"] for each in reply["results"]] == ["web", "api", "db"]
    assert set(team.outcomes(reply).values()) == {"stopped"}
    ended = team.hub.list()
    assert ended["web"]["ended_at"] <= ended["api"]["ended_at"] <= ended["db"]["ended_at"]
    assert (ended["db"]["stop_reason"], ended["by-hand"]["state"]) == ("lunch", "running")
    assert set(team.outcomes(team.down()).values()) == {"already_stopped"}
    assert team.outcomes(team.down(all=True))["by-hand"] == "stopped"


def test_names_and_tags_take_down_only_these(team: Team) -> None:
    team.write(team.process("db"), team.process("api", 'needs = ["db"]', 'tags = ["back"]'))
    team.up()
    assert team.outcomes(team.down("back")) == {"api": "stopped"}
    assert team.hub.state("db") == "running"
    assert team.hub.error("stop_project", names=["dbb"]).error["data"]["candidates"] == ["db"]


def test_a_broken_or_missing_file_keeps_nobody_from_stopping(team: Team) -> None:
    team.write(team.process("db"), team.process("api", 'needs = ["db"]'))
    team.up()
    team.file.write_text("processes = [", encoding="utf-8")
    assert team.hub.error("get_project").code == "project_invalid"
    assert [each["name"] for each in team.down()["results"]] == ["api", "db"]
    team.file.unlink()
    assert team.outcomes(team.down("db")) == {"db": "already_stopped"}
    for name in ("api", "db"):
        team.hub.call("remove_process", name)
    assert team.hub.error("stop_project").code == "project_not_found"


def test_what_a_protected_one_needs_is_left_to_it(team: Team) -> None:
    team.write(team.process("db"), team.process("api", 'needs = ["db"]'), team.process("docs"))
    team.up()
    team.hub.call("protect_process", "api", client={"name": "cursor"})
    reply = team.down(client={"name": "someone"})
    assert team.outcomes(reply) == {"docs": "stopped", "api": "failed", "db": "failed"}
    assert "protected by cursor" in team.result(reply, "api")["reason"]
    assert team.result(reply, "db")["waited_for"] == ["api"]
    reply = team.down(client={"name": "someone"}, force=True, reason="the branch is gone")
    assert team.outcomes(reply) == {"docs": "already_stopped", "api": "stopped", "db": "stopped"}


def test_who_takes_it_down_ends_what_is_on_its_way_up(team: Team) -> None:
    team.write(team.process("db", ready='{ output = "^never" }'), team.process("api", 'needs = ["db"]'))
    up = team.up_aside()
    eventually(lambda: "db" in team.hub.list())
    assert team.outcomes(team.down(client={"name": "cursor"})) == {"db": "stopped"}
    assert team.outcomes(up.result(10)) == {"db": "failed", "api": "not_started"}
    assert set(team.hub.list()) == {"db"}


def test_what_was_taken_down_is_not_begun_by_an_up_under_way(team: Team) -> None:
    echo = program("echo_stdin")
    team.write(
        team.process("db", command=echo, ready='{ output = "^got: go" }'),
        team.process("api", 'needs = ["db"]'),
        team.process("web", 'needs = ["db"]'),
    )
    up = team.up_aside()
    eventually(lambda: "db" in team.hub.list())
    assert team.outcomes(team.down("api", client={"name": "cursor"})) == {"api": "already_stopped"}
    team.say("db", "go")
    reply = up.result(10)
    assert team.outcomes(reply) == {"db": "started", "api": "not_started", "web": "started"}
    assert team.result(reply, "api")["reason"] == "stopped meanwhile by cursor"
