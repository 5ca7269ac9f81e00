"""An up that meets a down, or somebody who restarts what it waits for: what comes of it is whole, and told as it is."""

from __future__ import annotations

import os
import signal

from tests.daemon.project.team import Team
from tests.kit import eventually, program


def test_an_up_begins_after_the_down_that_is_under_way(team: Team) -> None:
    """Else it would find ``db`` running, and begin ``api`` right before ``db`` is stopped."""
    stubborn = team.process("web", 'needs = ["db"]', command=program("ignore_term"))
    team.write(team.process("db"), team.process("api", 'needs = ["db"]'), stubborn)
    team.up()
    stubborn_pid = team.hub.status("web")["pid"]
    down = team.hub.aside("stop_project", grace_seconds=60)
    eventually(lambda: team.hub.status("api")["state"] == "stopped")
    late = team.up_error(timeout_seconds=0)
    assert (late.code, "being taken down" in late.error["message"]) == ("start_failed", True)
    up = team.up_aside()
    os.kill(stubborn_pid, signal.SIGKILL)  # not before: the down must be under way while all this is asked
    assert set(team.outcomes(down.result(10)).values()) == {"stopped"}
    assert set(team.outcomes(up.result(10)).values()) == {"started"}
    assert {each["state"] for each in team.hub.list().values()} == {"running"}


def test_a_run_that_comes_in_the_place_of_another_is_waited_for(team: Team) -> None:
    team.write(team.process("db", command=program("echo_stdin"), ready='{ output = "^got: go" }'))
    up = team.up_aside()
    eventually(lambda: "db" in team.hub.list())
    team.hub.call("restart_process", "db")
    team.say("db", "go")
    reply = up.result(10)
    assert reply["ready"] is True
    assert team.result(reply, "db")["process"]["run"] == 2
