"""The daemon is killed at any moment of an up; the next up makes of it what the file says, and nothing twice."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

from tests.daemon.hub import Hub
from tests.daemon.project.team import Team
from tests.kit import program

ROUNDS = 40 if os.environ.get("TESTS_FULL") == "1" else 2
SERVER = program("http_server", "{port}")


def write(team: Team, *changed: str) -> None:
    """``changed``: lines of what is to be restarted."""
    api = 'needs = { migrate = "completed" }'
    team.write(
        team.process("db", 'port = "auto"', command=SERVER, ready='"port"'),
        team.process("migrate", 'needs = ["db"]', command=program("exit_n", 0), ready='"completed"'),
        team.process("api", api, 'port = "auto"', *changed, command=SERVER, ready='"port"'),
        team.process("web", 'needs = ["api"]', *changed),
    )


def ports(team: Team) -> dict[str, dict[str, int]]:
    return {each["name"]: each["ports"] for each in team.get()["processes"]}


def test_an_up_goes_on_where_a_killed_daemon_left_it(own: Hub, tmp_path: Path) -> None:
    dice = random.Random()
    for number in range(ROUNDS):
        directory = tmp_path / str(number) / "shop"
        directory.mkdir(parents=True)
        team = Team(Hub(own.daemon, directory))
        write(team)
        if number % 2:
            team.up()
            write(team, 'environment = { CHANGED = "{ports.db}" }')
        before = ports(team)
        up = team.up_aside()
        moment = dice.uniform(0, 0.3)
        threading.Event().wait(moment)
        team.hub.forget_connections()
        own.daemon.kill()
        up.exception(10)
        own.daemon.start()
        reply = team.up()
        assert reply["ready"], (moment, reply)
        assert ports(team) == before, moment
        assert set(team.actions().values()) == {"none"}, (moment, team.get())
        again = 1 + number % 2
        assert team.runs() == {"db": 1, "migrate": 1, "api": again, "web": again}, (moment, reply)
        team.down()
        team.hub.forget_connections()
