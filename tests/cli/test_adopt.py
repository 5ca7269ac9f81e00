"""``persistproc adopt``, and the question before what it took is ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.cli.support import Cli
from tests.daemon.outside import Outside
from tests.kit import is_alive, program


@pytest.fixture
def server(cli: Cli) -> Iterator[Outside]:
    """An HTTP server that somebody started elsewhere."""
    with ExitStack() as stack:
        yield Outside(stack, cli.project, program("http_server"))


def test_adopted_shown_asked_about_and_let_go(cli: Cli, server: Outside) -> None:
    port = server.printed(b"ready ").split()[1].decode("ascii")
    said = cli("adopt", f":{port}", "--name", "docs", "--reason", "it is mine", check=0).stdout.splitlines()
    assert said == [
        f"docs adopted (pid {server.pid}, port {port}): {' '.join(program('http_server'))}",
        f"in {cli.project}; its output is read from {server.log}",
    ]
    assert cli("logs", "docs", check=0).stdout == f"ready {port}\n"
    shown = [" ".join(line.split()) for line in cli("status", "docs", check=0).stdout.splitlines()]
    assert f"reason its output is read from {server.log}" in shown
    begun = rf"started .* ago \(.*\), not by persistproc; adopted by the command line in {cli.project}: it is mine"
    assert any(re.fullmatch(begun, line) for line in shown), shown
    assert f":{port}" in cli("list", check=0).stdout
    assert "there is only its output (persistproc logs -f docs)" in cli("attach", "docs").stderr
    for verb in ("stop", "restart"):
        refused = cli(verb, "docs", check=77)
        assert "was not started by persistproc, but adopted; nothing was done" in refused.stderr
        assert "give --yes" in refused.stderr
    assert is_alive(server.pid)
    with cli.terminal("stop", "docs") as terminal:
        terminal.wait_for(r"but adopted: .*http_server.py\. stop it all the same\? \[y/N\] ")
        terminal.type("\n")
        terminal.wait_for("nothing was done")
        assert terminal.wait() == 77
    assert is_alive(server.pid)
    assert cli("rm", "docs", check=0).stdout == f"{cli.project.name}/docs removed (1 run)\n"
    assert is_alive(server.pid)

    cli("adopt", str(server.pid), "--name", "docs", check=0)
    with cli.terminal("restart", "docs") as terminal:
        terminal.wait_for(r"restart it all the same\? \[y/N\] ")
        terminal.type("y\n")
        terminal.wait_for(r"docs restarted \(run 2, pid \d+\)")
        assert terminal.wait() == 0
    assert server.read_line() == "over 143"
    assert cli.processes()[0]["adopted"] is False
    assert cli("stop", "docs", check=0).stdout.startswith("docs stopped (SIGTERM)")


def test_yes_stops_it_softly_and_all_of_them(cli: Cli, server: Outside) -> None:
    cli("adopt", str(server.pid), "--json", check=0)
    cli.began("other", *program("sleeper"))
    refused = cli("stop", "--all", check=77)
    assert refused.stdout == "other stopped (SIGTERM)\n", "the others are stopped all the same"
    assert cli("stop", "--all", "--yes", check=0).stdout == "http_server stopped (SIGTERM)\n"
    assert server.read_line() == "over 143"


def test_what_is_no_process(cli: Cli) -> None:
    for word in ("web", ":", ":web", "-1", "3000:"):
        assert cli("adopt", "--", word, check=2).stderr.startswith("persistproc: "), word
    refused = cli("adopt", "2147483647", check=1)
    assert refused.stderr == "persistproc: there is no process 2147483647 (give its port, as :3000, or its pid)\n"
