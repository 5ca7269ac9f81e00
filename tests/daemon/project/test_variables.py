"""What of the environment counts as a change: what the file sets, and nothing that the caller has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.daemon.hub import Hub
from tests.daemon.project.team import Team


def changes(team: Team) -> list[str]:
    (api,) = team.get()["processes"]
    found: list[str] = api["changes"]
    return found


def test_variables_of_the_file_by_their_names(team: Team, restarted: Callable[[], Hub]) -> None:
    (team.hub.project / ".env").write_text("SECRET=one\nOLD=x\n", encoding="utf-8")
    team.write(team.process("api", 'environment = { URL = "http://${HOST:-here}" }', 'env_files = [".env"]'))
    team.up(environment={"HOST": "there"})
    assert changes(team) == []
    (team.hub.project / ".env").write_text("SECRET=two\nNEW=y\n", encoding="utf-8")
    assert changes(team) == ["environment: SECRET changed, NEW added, OLD no longer set"]
    # The next daemon has it from the kernel.
    restarted()
    assert changes(team) == ["environment: SECRET changed, NEW added, OLD no longer set"]
    assert team.outcomes(team.up()) == {"api": "restarted"}
    assert changes(team) == []


def test_another_caller_with_another_environment_restarts_nothing(team: Team, restarted: Callable[[], Hub]) -> None:
    def up(**environment: str) -> Any:
        return team.up(environment=environment, inherit_environment=True)

    path = 'environment = { WHERE = "bin:${WHERE}", BOTH = "${A}-${B:-none}" }'
    team.write(team.process("api", path))
    up(WHERE="/usr/bin", A="1")
    assert team.outcomes(up(WHERE="/opt/venv/bin:/usr/bin", A="2", B="3")) == {"api": "unchanged"}
    restarted()
    assert team.outcomes(up(WHERE="/elsewhere", A="4")) == {"api": "unchanged"}
    team.write(team.process("api", path.replace("bin:", "sbin:")))
    assert changes(team) == ["environment: WHERE changed"]


def test_braces_in_an_env_file_are_its_own(team: Team) -> None:
    """A format of some library: where the process has no such port it is left alone."""
    (team.hub.project / ".env").write_text("FORMAT={host}:{port}\nAPI={ports.api}/\n", encoding="utf-8")
    command = ["sh", "-c", 'echo "$FORMAT $API ready"; exec sleep 600']
    ready = '{ output = "ready$" }'
    team.write(
        team.process("web", 'env_files = [".env"]', command=command, ready=ready),
        team.process("api", 'port = { name = "x" }', command=command, ready='{ output = "." }'),
    )
    api = team.result(team.up(), "api")["process"]["assigned_ports"]["x"]
    assert team.hub.lines("web") == [f"{{host}}:{{port}} {api}/ ready"]
