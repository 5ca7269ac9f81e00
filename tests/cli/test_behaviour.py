"""``--watch``, ``--stop-signal`` and ``--shell`` on the command line."""

from __future__ import annotations

import pytest

from persistproc_cli.arguments import UsageError, parse
from persistproc_cli.behaviour import in_shell, take_behaviour
from persistproc_cli.commands.start import COMMAND
from persistproc_core.protocol import StartProcessParams
from tests.cli.support import Cli
from tests.kit import eventually


def taken(*words: str) -> StartProcessParams:
    params: StartProcessParams = {"command": ["nvm", "use node"]}
    take_behaviour(params, parse(COMMAND, [*words, "--", "x"]))
    return params


def test_what_is_asked_for() -> None:
    assert taken("--watch", "src/**", "--watch=!src/gen/", "--watch-signal", "HUP") == {
        "command": ["nvm", "use node"],
        "watch": ["src/**", "!src/gen/"],
        "watch_signal": "HUP",
    }
    assert taken("--stop-signal", "INT", "--stop-grace", "1m", "--shell") == {
        "command": "nvm 'use node'",
        "stop_signal": "INT",
        "stop_grace_seconds": 60.0,
        "shell": True,
    }
    with pytest.raises(UsageError, match="--watch as well"):
        taken("--watch-signal", "HUP")


@pytest.mark.parametrize(
    ("command", "line"), [("a | b", "a | b"), (["a b"], "a b"), (["a", "b c"], "a 'b c'")], ids=["text", "one", "words"]
)
def test_the_line_for_a_shell(command: str | list[str], line: str) -> None:
    assert in_shell(command) == line


def test_a_change_is_told_where_one_looks(cli: Cli) -> None:
    path = cli.project / "app.txt"
    path.write_text("1", "utf-8")
    cli("start", "--name", "web", "--watch", "*.txt", "--", "sleep", "1000", check=0)
    path.write_text("2", "utf-8")
    eventually(lambda: cli.hub.get_process_status(process="web")["run"] == 2)
    told = cli("status", "web", check=0).stdout
    assert "*.txt" in told
    assert "by persistproc: app.txt changed" in told
    joined = cli("start", "--name", "web", "--watch", "*.md", "--", "sleep", "1000", check=0).stderr
    assert "watch: you asked for *.md, running is *.txt" in joined
    assert "no signal NONE" in cli("start", "--stop-signal", "NONE", "--", "sleep", "9", check=2).stderr
