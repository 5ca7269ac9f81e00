"""Processes of the file's names that were started by hand, or outside of persistproc."""

from __future__ import annotations

import subprocess

from tests.daemon.hub import at_once
from tests.daemon.project.team import Team
from tests.kit import Guard, free_port, program, read_line


def test_what_is_as_the_file_says_belongs_to_it_from_then_on(team: Team) -> None:
    ready = {"output": "^ready"}
    team.hub.start(program("sleeper"), name="api", ready=ready)
    team.hub.start(program("echo_stdin"), name="web", ready=ready)
    team.write(team.process("api"), team.process("web", command=[*program("echo_stdin"), "--new"]))
    reply = team.up()
    assert team.outcomes(reply) == {"api": "unchanged", "web": "restarted"}
    assert all(process["defined"] for process in team.hub.list().values())
    assert team.outcomes(team.down()) == {"api": "stopped", "web": "stopped"}


def test_who_starts_the_same_by_hand_this_very_moment(team: Team) -> None:
    """One of them starts it, and the other one is told that it runs already; it belongs to the project either way."""
    team.write(team.process("api"))
    up = team.approved({"working_directory": str(team.hub.project)})
    of_file, by_hand = team.hub.connect(), team.hub.connect()
    given = {"name": "api", "working_directory": str(team.hub.project), "ready": {"output": "^ready"}}
    for _ in range(12):
        brought, started = at_once(
            lambda: of_file.call("start_project", **up),
            lambda: by_hand.call("start_process", command=program("sleeper"), **given),
        )
        expected = "unchanged" if not started["already_running"] else "started"
        assert team.outcomes(brought) == {"api": expected}
        assert team.hub.list()["api"]["defined"] is True
        team.hub.stop("api", force=True)
        team.hub.call("remove_process", "api")


def test_what_was_adopted_is_its_owners(team: Team, guard: Guard) -> None:
    port = free_port()
    server = subprocess.Popen(program("http_server", port), cwd=team.hub.project, stdout=subprocess.PIPE)
    assert server.stdout is not None
    with server, server.stdout:
        try:
            read_line(server.stdout)
            team.hub.call("adopt_process", pid=server.pid, name="api")
            team.write(team.process("api", f"port = {port}", command=program("http_server", "{port}"), ready='"port"'))
            reply = team.up()
            assert (team.outcomes(reply), reply["ready"]) == ({"api": "unchanged"}, False)
            assert "adopted" in team.result(reply, "api")["reason"]
            assert team.down()["results"] == []
            assert server.poll() is None
            assert team.outcomes(team.up(force=True, reason="ours now")) == {"api": "restarted"}
            assert server.wait(5) is not None
        finally:
            server.kill()
