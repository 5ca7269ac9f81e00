"""Processes of the file's names that were started by hand, or outside of persistproc."""

from __future__ import annotations

import subprocess

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
            assert team.outcomes(reply) == {"api": "failed"}
            assert "adopted" in team.result(reply, "api")["reason"]
            assert team.down()["results"] == []
            assert server.poll() is None
            assert team.outcomes(team.up(force=True, reason="ours now")) == {"api": "restarted"}
            assert server.wait(5) is not None
        finally:
            server.kill()
