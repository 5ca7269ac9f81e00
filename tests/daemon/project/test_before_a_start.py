"""What can be known to fail is said before anything is started, with the place in the file."""

from __future__ import annotations

import socket

from tests.daemon.project.team import Team, toml
from tests.kit import free_port, program


def test_programs_and_files_that_are_missing(team: Team) -> None:
    team.write(team.process("db"), team.process("api", command=["vitee"]))
    error = team.up_error()
    assert error.code == "project_invalid"
    assert f"{team.file}, line 7: api: vitee is not found on PATH" in error.error["message"]
    team.write(team.process("db"), team.process("api", 'env_files = ["missing.env"]'))
    error = team.up_error()
    assert (error.code, error.error["data"]["line"]) == ("project_invalid", 9)
    assert "missing.env" in error.error["message"]
    assert team.hub.list() == {}
    assert team.actions() == {"db": "start", "api": "start"}


def test_all_that_is_missing_is_told_at_once(team: Team) -> None:
    team.write(
        team.process("db", command=["no-such-program"]),
        team.process("api", 'env_files = ["missing.env"]', 'working_directory = "nowhere"'),
        team.process("web", 'working_directory = "gone"'),
    )
    error = team.up_error()
    problems = error.error["data"]["problems"]
    assert [problem["line"] for problem in problems] == [3, 9, 10, 15]
    words = ("no-such-program", "missing.env", "nowhere", "gone")
    for problem, word in zip(problems, words, strict=True):
        assert word in problem["text"]


def test_what_is_wrong_in_another_file_is_told_with_the_rest(team: Team) -> None:
    (team.hub.project / ".env").write_text("A=1\nB='no end\n", encoding="utf-8")
    wrong = team.process("api", 'env_files = [".env"]')
    team.write(wrong)
    alone = team.up_error().error["message"]
    assert f"{team.hub.project}/.env, line 2: " in alone
    team.write(wrong, team.process("db", command=["no-such-program"]))
    problems = team.up_error().error["data"]["problems"]
    assert [alone in problem["text"] or "no-such-program" in problem["text"] for problem in problems] == [True, True]


def test_what_something_else_has_to_make_first_may_be_missing(team: Team) -> None:
    team.write(
        team.process("setup", command="mkdir app && echo A=1 > app/.env", ready=""),
        team.process(
            "api",
            'needs = { setup = "completed" }',
            'working_directory = "app"',
            'env_files = ["app/.env"]',
        ),
        team.process("other", 'needs = { setup = "completed" }', command=["./app/missing"]),
    )
    reply = team.up()
    assert team.outcomes(reply) == {"setup": "started", "api": "started", "other": "failed"}
    assert team.result(reply, "api")["process"]["working_directory"] == str(team.hub.project / "app")
    assert team.result(reply, "other")["reason"].startswith(f"{team.file}, line ")


def test_a_port_that_a_stranger_has(team: Team) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        team.write(team.process("db"), team.process("api", f"port = {port}"))
        error = team.up_error()
    assert error.code == "port_taken"
    assert f"{team.file}, line 9: api: port {port} is taken" in error.error["message"]
    assert error.error["data"]["holder"]["kind"] == "stranger"
    assert team.hub.list() == {}


def test_what_needs_much_by_many_ways(team: Team) -> None:
    """There are a thousand million ways through it."""
    names = [(f"a{layer}", f"b{layer}") for layer in range(30)]
    needed = [[], *map(list, names)]
    team.write(
        *(team.process(name, f"needs = {toml(needed[layer])}") for layer, pair in enumerate(names) for name in pair),
        team.process("last", f"needs = {toml(needed[-1])}", command=["vitee"]),
    )
    assert "last: vitee is not found on PATH" in team.up_error().error["message"]


def test_a_port_that_one_prefers_and_another_must_have(team: Team) -> None:
    port = free_port()
    team.write(team.process("a", f"port = {{ prefer = {port} }}"))
    assert team.get()["processes"][0]["ports"] == {"port": port}
    team.write(team.process("a", f"port = {{ prefer = {port} }}"), team.process("b", f"port = {port}"))
    a, b = (each["ports"]["port"] for each in team.get()["processes"])
    assert (b, a == port) == (port, False)


def test_a_port_that_moves_from_one_to_another(team: Team) -> None:
    """Who has it is restarted without it, or is removed, by the same call."""
    port, other = free_port(), free_port()
    server = program("http_server", "{port}")
    team.write(team.process("a", f"port = {port}", command=server, ready='"port"'))
    team.up()
    team.write(team.process("b", f"port = {port}", command=server, ready='"port"'))
    error = team.up_error()
    assert (error.code, "--remove" in error.error["data"]["hint"]) == ("port_taken", True)
    assert team.outcomes(team.up(remove=True)) == {"b": "started", "a": "removed"}
    team.write(
        team.process("b", f"port = {other}", command=server, ready='"port"'),
        team.process("c", f"port = {port}", 'needs = ["b"]', command=server, ready='"port"'),
    )
    assert team.outcomes(team.up()) == {"b": "restarted", "c": "started"}
