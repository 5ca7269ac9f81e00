"""Several who bring a project up, who hang up, and daemons that die in the middle of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.daemon.hub import at_once
from tests.daemon.project.team import Team
from tests.kit import WireError, eventually, program

ECHO = program("echo_stdin")
SERVER = program("http_server", "{port}")
TOLD = '{ output = "^got: go" }'


def test_two_at_once_find_the_same_done(team: Team) -> None:
    def write(*arguments: str) -> None:
        command = [*program("sleeper"), *arguments]
        team.write(team.process("db", command=command), team.process("api", 'needs = ["db"]', command=command))

    def up() -> Callable[[], Any]:
        connection, approve = team.hub.connect(), team.get()["digest"]
        directory = str(team.hub.project)
        return lambda: connection.call("start_project", working_directory=directory, approve=approve)

    write()
    first = at_once(up(), up(), up())
    assert sorted(team.outcomes(reply)["db"] for reply in first) == ["started", "unchanged", "unchanged"]
    assert team.runs() == {"db": 1, "api": 1}
    write("--new")
    second = at_once(up(), up(), up())
    assert sorted(team.outcomes(reply)["api"] for reply in second) == ["restarted", "unchanged", "unchanged"]
    assert team.runs() == {"db": 2, "api": 2}
    assert all(reply["ready"] for reply in (*first, *second))


def test_who_hangs_up_starts_nothing_more(team: Team) -> None:
    team.write(team.process("db", command=ECHO, ready=TOLD), team.process("api", 'needs = ["db"]'))
    digest = team.get()["digest"]
    connection = team.hub.connect()
    params = {"working_directory": str(team.hub.project), "approve": digest}
    connection.send({"jsonrpc": "2.0", "id": 1, "method": "start_project", "params": params})
    eventually(lambda: "db" in team.hub.list())
    connection.close()
    # Whatever comes of it has come when the daemon has answered who hangs up behind it.
    eventually(lambda: team.hub.connection.call("get_daemon_status")["connections"] == 1)
    team.say("db", "go")
    eventually(lambda: team.hub.status("db")["ready"])
    assert set(team.hub.list()) == {"db"}
    assert team.outcomes(team.up()) == {"db": "unchanged", "api": "started"}


def test_a_daemon_killed_in_the_middle(own_team: Team) -> None:
    team = own_team
    team.write(
        team.process("db", command=ECHO, ready=TOLD),
        team.process("migrate", 'needs = ["db"]', command=program("exit_n", 0), ready='"completed"'),
        team.process("api", 'needs = { migrate = "completed" }', 'port = "auto"', command=SERVER, ready=""),
    )
    up = team.up_aside()
    eventually(lambda: "db" in team.hub.list())
    ports = {each["name"]: each["ports"] for each in team.get()["processes"]}
    team.hub.forget_connections()
    team.hub.daemon.kill()
    assert isinstance(up.exception(10), Exception)
    team.hub.daemon.start()
    again = team.up_aside(timeout_seconds=20)
    team.say("db", "go")
    reply = again.result(20)
    assert team.outcomes(reply) == {"db": "unchanged", "migrate": "started", "api": "started"}
    assert reply["ready"] is True
    assert team.runs() == {"db": 1, "migrate": 1, "api": 1}
    assert team.result(reply, "api")["process"]["assigned_ports"] == ports["api"]


def test_a_daemon_that_is_replaced_does_not_wait_for_it(own_team: Team) -> None:
    team = own_team
    team.write(team.process("db", command=ECHO, ready=TOLD))
    up = team.up_aside()
    eventually(lambda: "db" in team.hub.list())
    team.hub.connection.call("replace_daemon")
    error = up.exception(10)
    assert isinstance(error, WireError)
    assert error.error["data"]["again"] is True
    team.hub.forget_connections()
    again = team.up_aside()
    team.say("db", "go")
    assert team.outcomes(again.result(20)) == {"db": "unchanged"}
