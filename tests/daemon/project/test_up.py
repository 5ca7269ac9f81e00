"""Bringing a project up: in the order of its dependencies, and so that the file and what runs agree."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from tests.daemon.hub import Hub
from tests.daemon.project.team import Team
from tests.kit import eventually, free_port, program

ECHO = program("echo_stdin")
SERVER = program("http_server", "{port}")
TOLD = '{ output = "^got: go" }'


def test_each_starts_when_what_it_needs_is_ready(team: Team) -> None:
    team.write(
        team.process("api", 'needs = ["db", "migrate"]'),
        team.process("db", command=ECHO, ready=TOLD),
        team.process("migrate", 'needs = { db = "started" }', command=program("exit_n", 0), ready='"completed"'),
        team.process("web", 'needs = { api = "started" }'),
    )
    up = team.up_aside()
    team.hub.call("wait_for_process", _begun(team, "migrate"), exit=True)
    assert set(team.hub.list()) == {"db", "migrate"}
    team.say("db", "go")
    reply = up.result(20)
    assert reply["ready"] is True
    assert [each["name"] for each in reply["results"]] == ["api", "db", "migrate", "web"]
    assert set(team.outcomes(reply).values()) == {"started"}
    assert all(each["ready"] for each in reply["results"])
    assert "go" in team.result(reply, "db")["reason"]
    assert team.result(reply, "api")["process"]["started_at"] >= team.result(reply, "db")["process"]["ready_at"]
    assert all(process["defined"] for process in team.hub.list().values())


def _begun(team: Team, name: str) -> str:
    """The name, once the process is there."""
    eventually(lambda: name in team.hub.list(), what=f"{name} was started")
    return name


def test_one_changed_command_is_one_restart_with_its_reason(team: Team) -> None:
    sleeper = program("sleeper")
    team.write(team.process("api", 'needs = ["db"]'), team.process("db"), team.process("web", 'needs = ["api"]'))
    team.up()
    assert team.actions() == {"api": "none", "db": "none", "web": "none"}
    team.write(
        team.process("api", 'needs = ["db"]', command=[*sleeper, "--new"]),
        team.process("db"),
        team.process("web", 'needs = ["api"]'),
    )
    (api,) = [each for each in team.get()["processes"] if each["name"] == "api"]
    assert api["action"] == "restart"
    assert api["changes"][0].startswith("command: ")
    reply = team.up(reason="new flag")
    assert team.outcomes(reply) == {"api": "restarted", "db": "unchanged", "web": "unchanged"}
    assert team.runs() == {"api": 2, "db": 1, "web": 1}
    assert "command: " in team.result(reply, "api")["reason"]
    assert team.hub.status("api")["start_reason"].startswith("new flag (persistproc.toml changed: command: ")


def test_what_needs_a_failed_one_is_not_started(team: Team) -> None:
    team.write(
        team.process("db", command=["sh", "-c", "echo no space left; exit 3"]),
        team.process("api", 'needs = ["db"]'),
        team.process("web", 'needs = ["api"]'),
        team.process("docs"),
    )
    reply = team.up()
    assert team.outcomes(reply) == {"db": "failed", "api": "not_started", "web": "not_started", "docs": "started"}
    assert reply["ready"] is False
    db, api, web = (team.result(reply, name) for name in ("db", "api", "web"))
    assert "exited with code 3" in db["reason"]
    assert db["last_lines"] == ["no space left"]
    assert (api["waited_for"], api["reason"]) == (["db"], "db did not become ready")
    assert (web["waited_for"], web["reason"]) == (["api"], "api was not started")
    assert set(team.hub.list()) == {"db", "docs"}


def test_what_is_never_ready_is_told_when_the_time_is_up(team: Team) -> None:
    team.write(
        team.process("slow", ready='{ output = "^never" }'),
        team.process("own", ready='{ output = "^never", timeout_seconds = 0.2 }'),
        team.process("next", 'needs = ["slow"]'),
    )
    reply = team.up(timeout_seconds=2)
    assert team.outcomes(reply) == {"slow": "failed", "own": "failed", "next": "not_started"}
    slow = team.result(reply, "slow")
    assert (slow["ready"], slow["last_lines"]) == (False, ["ready"])
    assert slow["process"]["state"] == "running"
    assert team.result(reply, "own")["elapsed_seconds"] < slow["elapsed_seconds"]
    assert 2 <= reply["elapsed_seconds"] < 20


def test_without_wait_it_answers_when_all_are_begun(team: Team) -> None:
    team.write(team.process("slow", ready='{ output = "^never" }'))
    reply = team.up(wait=False)
    assert (team.outcomes(reply), reply["ready"]) == ({"slow": "started"}, False)


def test_names_and_tags_bring_up_what_they_need(team: Team) -> None:
    team.write(
        team.process("db"),
        team.process("api", 'needs = ["db"]', 'tags = ["back"]'),
        team.process("web", 'tags = ["front"]'),
        team.process("tools", "optional = true", 'tags = ["back"]'),
    )
    assert team.actions() == {"db": "start", "api": "start", "web": "start", "tools": "none"}
    assert team.outcomes(team.up("api")) == {"db": "started", "api": "started"}
    assert team.outcomes(team.up("back")) == {"db": "unchanged", "api": "unchanged", "tools": "started"}
    assert team.outcomes(team.up())["tools"] == "unchanged"
    error = team.up_error("wbe")
    assert error.code == "process_not_found"
    assert error.error["data"]["candidates"] == ["web"]
    assert team.hub.error("get_project", names=["bakc"]).error["data"]["candidates"] == ["back"]


def test_a_one_shot_is_done_until_all_is_down(team: Team) -> None:
    team.write(
        team.process("migrate", command=program("exit_n", 0), ready=""),
        team.process("api", 'needs = { migrate = "completed" }'),
    )
    team.up()
    assert team.actions()["migrate"] == "none"
    assert team.outcomes(team.up()) == {"migrate": "unchanged", "api": "unchanged"}
    assert team.outcomes(team.up("migrate")) == {"migrate": "started"}
    team.down()
    assert team.actions() == {"migrate": "start", "api": "start"}
    team.up()
    assert team.runs() == {"migrate": 3, "api": 2}


def test_what_is_waited_for_to_its_end_may_be_ready_before(team: Team) -> None:
    """As quick as this one is it has mostly ended before anybody could see that it was ready."""
    team.write(
        team.process("migrate", command=["echo", "ready"]), team.process("api", 'needs = { migrate = "completed" }')
    )
    assert team.outcomes(team.up()) == {"migrate": "started", "api": "started"}
    assert team.outcomes(team.up()) == {"migrate": "unchanged", "api": "unchanged"}


def test_a_failed_one_shot_keeps_back_what_waits_for_its_end(team: Team) -> None:
    team.write(
        team.process("migrate", command=program("exit_n", 4), ready=""),
        team.process("api", 'needs = { migrate = "completed" }'),
    )
    reply = team.up()
    assert team.outcomes(reply) == {"migrate": "failed", "api": "not_started"}
    assert "code 4" in team.result(reply, "migrate")["reason"]


def test_what_runs_goes_on_without_what_it_needs(team: Team) -> None:
    migrate = 'needs = { migrate = "completed" }'
    team.write(team.process("migrate", command=program("exit_n", 0), ready=""), team.process("api", migrate))
    team.up()
    team.write(team.process("migrate", command=program("exit_n", 4), ready=""), team.process("api", migrate))
    reply = team.up()
    assert team.outcomes(reply) == {"migrate": "failed", "api": "unchanged"}
    assert team.result(reply, "api")["reason"] == "it runs on, although migrate did not complete"
    changed = team.process("api", migrate, "tty = true")
    team.write(team.process("migrate", command=program("exit_n", 4), ready=""), changed)
    api = team.result(team.up(), "api")
    assert (api["outcome"], api["waited_for"], api["process"]["run"]) == ("not_started", ["migrate"], 1)
    assert api["reason"] == "not restarted (tty: added): migrate did not complete; it runs as it was"


def test_a_restart_policy_is_given_its_time(team: Team) -> None:
    marker = team.hub.project / "second"
    command = ["sh", "-c", f"test -e {marker} && echo ready && exec sleep 1000; touch {marker}; exit 1"]
    team.write(team.process("api", 'restart = "on-failure"', command=command), team.process("web", 'needs = ["api"]'))
    reply = team.up()
    assert team.outcomes(reply) == {"api": "started", "web": "started"}
    assert team.result(reply, "api")["process"]["restarts"] == 1


def test_what_is_changed_in_place_restarts_nothing(team: Team) -> None:
    team.write(team.process("api"))
    team.up()
    team.write(team.process("api", 'tags = ["back"]', 'restart = "always"', "stop_grace_seconds = 2"))
    reply = team.up()
    assert team.outcomes(reply) == {"api": "unchanged"}
    assert team.result(reply, "api")["reason"] == "changed while it runs: restart, stop_grace_seconds, tags"
    status = team.hub.status("api")
    assert (status["run"], status["tags"], status["restart"]) == (1, ["back"], "always")


def test_what_is_changed_of_a_protected_one_needs_force(team: Team) -> None:
    team.write(team.process("db"))
    team.up()
    team.hub.call("protect_process", "db", client={"name": "cursor"})
    team.write(team.process("db", 'restart = "always"'), team.process("api", 'needs = ["db"]'))
    reply = team.up(client={"name": "someone"})
    assert team.outcomes(reply) == {"db": "unchanged", "api": "started"}, "db is there, and ready"
    left = team.result(reply, "db")
    assert left["reason"].startswith("left as it was (restart): shop/db is protected by cursor")
    assert (left["ready"], left["hint"]) == (True, "leave it to cursor, or give force and a reason")
    assert reply["ready"] is False, "what the file says is not done"
    team.write(team.process("db", "tty = true"))
    left = team.result(team.up(client={"name": "someone"}), "db")
    assert left["outcome"] == "unchanged"
    assert "tty" in left["reason"]
    team.write(team.process("db", 'restart = "always"'))
    reply = team.up(client={"name": "someone"}, force=True, reason="the branch is gone")
    assert team.result(reply, "db")["reason"] == "changed while it runs: restart"
    assert team.hub.status("db")["restart"] == "always"


def test_all_are_restarted_when_asked_for(team: Team) -> None:
    team.write(team.process("api"), team.process("migrate", command=program("exit_n", 0), ready='"completed"'))
    team.up()
    reply = team.up(restart=True, reason="new dependencies")
    assert team.outcomes(reply) == {"api": "restarted", "migrate": "unchanged"}
    assert team.hub.status("api")["start_reason"] == "new dependencies"


def test_what_left_the_file_is_offered_and_removed(team: Team) -> None:
    team.write(team.process("api"), team.process("old"))
    team.up()
    team.write(team.process("api"))
    assert team.get()["removed"] == ["old"]
    reply = team.up()
    assert (reply["removed"], team.outcomes(reply)) == (["old"], {"api": "unchanged"})
    reply = team.up(remove=True)
    assert (reply["removed"], team.outcomes(reply)) == ([], {"api": "unchanged", "old": "removed"})
    assert set(team.hub.list()) == {"api"}


def test_ports_of_others_and_what_follows_when_they_change(team: Team) -> None:
    server = program("http_server", "{port}")
    team.write(
        team.process("api", 'port = "auto"', command=server, ready='"port"'),
        team.process("web", 'needs = ["api"]', 'environment = { API = "http://127.0.0.1:{ports.api}" }'),
    )
    reply = team.up()
    port = team.result(reply, "api")["process"]["assigned_ports"]["port"]
    assert [listener["port"] for listener in team.result(reply, "api")["process"]["ports"]] == [port]
    assert team.actions() == {"api": "none", "web": "none"}
    other = free_port()
    team.write(
        team.process("api", f"port = {other}", command=server, ready='"port"'),
        team.process("web", 'needs = ["api"]', 'environment = { API = "http://127.0.0.1:{ports.api}" }'),
    )
    reply = team.up()
    assert team.outcomes(reply) == {"api": "restarted", "web": "restarted"}
    assert f"ports: {other} (was {port})" in team.result(reply, "api")["reason"]
    assert team.result(reply, "web")["reason"] == "environment: API changed"


def test_what_neither_prints_nor_listens_is_up_when_it_lives_on(team: Team) -> None:
    team.write(
        team.process("worker", command=["sleep", "1000"], ready=""),
        team.process("api", 'needs = ["worker"]', 'ports = { web = "auto", debug = "auto" }', command=SERVER, ready=""),
    )
    reply = team.up(timeout_seconds=20)
    worker, api = team.result(reply, "worker"), team.result(reply, "api")
    assert (worker["outcome"], worker["ready"]) == ("started", None)
    assert worker["reason"] == "up: has lived for 5 s; nothing tells whether it is ready"
    assert (api["outcome"], api["ready"], reply["ready"]) == ("started", True, True)
    assert team.up()["elapsed_seconds"] < 4, "it need not live for 5 s again"


def test_the_next_daemon_finds_nothing_to_do(team: Team, restarted: Callable[[], Hub]) -> None:
    team.write(
        team.process(
            "api",
            'ports = { web = { prefer = 4321 }, debug = { variable = "DEBUG_PORT" } }',
            'ready = { url = "http://127.0.0.1:{port}/", interval_seconds = 0.05 }',
            'liveness = { port = "web", interval_seconds = 60 }',
            'watch = ["*.py"]',
            'environment = { SELF = "http://127.0.0.1:{ports.web}" }',
            'tags = ["back"]',
            'stop_signal = "INT"',
            "stop_grace_seconds = 3",
            'restart = "on-failure"',
            "autostart = false",
            command=f"exec {shlex.join(program('http_server'))} {{port}}",
            ready="",
        ),
        team.process("tty", "tty = true", "keep_runs = 3", 'watch_signal = "HUP"', 'watch = ["x"]'),
    )
    assert team.up()["ready"] is True
    assert team.actions() == {"api": "none", "tty": "none"}
    restarted()
    assert team.outcomes(team.up()) == {"api": "unchanged", "tty": "unchanged"}
    assert team.runs() == {"api": 1, "tty": 1}
