"""The verbs around output: wait, mark, prune, and what list, status, start, daemon and doctor say of it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.cli.support import Cli
from tests.kit import Daemon, eventually, free_port, program

QUESTION = "Port 3000 is in use, use 3001? (y/N)"


@pytest.fixture
def cli(cli: Cli) -> Cli:
    """Only one test here ends its daemon, and that has one of its own."""
    return cli


def asks(cli: Cli, name: str) -> None:
    """A process that waits for an answer."""
    cli.began(name, "sh", "-c", f"echo starting; printf '{QUESTION} '; read answer; echo got $answer; sleep 1000")
    cli.said(name, "use 3001")
    eventually(lambda: cli.hub.get_process_status(process=name)["waiting_for_input"] == QUESTION, 10)


def test_wait_for_a_state(cli: Cli) -> None:
    cli.began("web", *program("sleeper"))
    assert cli("wait", "web", "--state", "running", check=0).stdout == "web is running\n"
    cli.hub.stop_process(process="web")
    assert cli("wait", "web", "--state", "stopped", check=0).stdout == "web is stopped\n"
    assert "running, stopping" in cli("wait", "web", "--state", "asleep", check=2).stderr


def test_wait_for_a_url(cli: Cli) -> None:
    port = free_port()
    cli.began("web", *program("http_server", port))
    told = cli("wait", "web", "--url", f"http://127.0.0.1:{port}/", check=0)

    assert told.stdout == f"http://127.0.0.1:{port}/ answered 200\n"


def test_wait_until_it_is_quiet_tells_the_last_lines(cli: Cli) -> None:
    cli.began("web", "sh", "-c", "echo building; echo built; sleep 1000")
    cli.said("web", "built")
    told = cli("wait", "web", "--idle", "0.2", check=0)

    assert told.stdout == "web has printed nothing for 0.2 s; it is running\n"
    assert told.stderr == "  building\n  built\n"
    assert cli.json("wait", "web", "--idle", "0.1", "--json")["last_lines"] == ["building", "built"]


def test_wait_for_a_line_since_a_mark(cli: Cli) -> None:
    cli.began("e", *program("echo_stdin"))
    cli.said("e", "^ready")
    cli("mark", "edit", check=0)
    late = cli("wait", "e", "--output", "ready", "--since", "mark:edit", "--timeout", "0.1", check=124)
    assert "  ready" in late.stderr
    cli.hub.send_process_input(process="e", input="built")
    assert cli("wait", "e", "--output", "built", "--since", "mark:edit", check=0).stdout == "got: built\n"
    assert "--output" in cli("wait", "e", "--since", "5m", check=2).stderr


def test_a_wait_that_fails_shows_the_last_lines_and_the_question(cli: Cli) -> None:
    asks(cli, "web")
    told = cli("wait", "web", "--output", "ready", "--timeout", "20", check=1).stderr

    assert "  starting\n" in told
    assert QUESTION in told
    assert "persistproc send web" in told
    error = json.loads(cli("wait", "web", "--output", "ready", "--timeout", "20", "--json", check=1).stderr)["error"]
    assert error["waiting_for_input"] == QUESTION


def test_last_lines_are_bounded_and_safe(cli: Cli) -> None:
    cli.ended("web", sys.executable, "-c", "print('x' * 100_000); print('\\x1b]0;t\\x07' * 9)")
    told = cli("wait", "web", "--port", "1", check=1).stderr

    assert len(told) < 3000
    assert "\x1b" not in told


def test_who_waits_for_input_is_seen(cli: Cli) -> None:
    asks(cli, "web")
    listed = cli("list", check=0)
    assert listed.stdout.splitlines()[1].startswith("waiting for input  web")
    assert QUESTION in listed.stderr
    assert "answer with: persistproc send web TEXT" in listed.stderr
    status = cli("status", "web", check=0).stdout
    assert QUESTION in status
    assert "persistproc send web TEXT" in status
    assert cli.processes()[0]["waiting_for_input"] == QUESTION
    cli("send", "web", "y", check=0)
    cli.said("web", "got y")
    assert cli("list", check=0).stdout.splitlines()[1].startswith("running  web")


def test_terminals_are_told(cli: Cli) -> None:
    cli.hub.start_process(command=["sleep", "1000"], name="t", tty=True)

    assert "persistproc attach t" in cli("status", "t", check=0).stdout


def test_marks(cli: Cli) -> None:
    assert "no marks" in cli("mark", "--list", check=0).stderr
    assert "mark edit set in shop" in cli("mark", "edit", check=0).stdout
    assert cli.json("mark", "later", "--json")["name"] == "later"
    rows = cli("mark", "--list", check=0).stdout.splitlines()

    assert [row.split()[0] for row in rows] == ["NAME", "edit", "later"]
    assert "which name" in cli("mark", check=2).stderr
    cli("mark", "--list", "x", check=2)
    cli("mark", "no/slash", check=2)


def test_prune(cli: Cli) -> None:
    cli.began("live", *program("sleeper"))
    cli.ended("old", "echo", "x" * 100)
    cli.hub.restart_process(process="live")
    assert "live" not in cli("prune", "--dry-run", check=0).stdout
    would = cli("prune", "--dry-run", "--keep-runs", "0", check=0).stdout

    assert re.search(r"shop/old: 1 run would be removed, 1\d\dB\n", would)
    assert "shop/live: 1 run would be removed" in would
    assert would.splitlines()[-1].endswith("would be freed")
    assert len(cli.hub.list_processes()["processes"]) == 2
    assert "nothing to remove" in cli("prune", "--older-than", "1h", check=0).stderr
    assert "nothing to remove" in cli("prune", "--keep-runs", "9", check=0).stderr
    document = cli.json("prune", "--keep-runs", "0", "--json")
    assert {item["name"] for item in document["processes"]} == {"old", "live"}  # type: ignore[attr-defined]
    assert [process["name"] for process in cli.hub.list_processes()["processes"]] == ["live"]
    cli("prune", "--older-than", "soon", check=2)


def test_prune_stays_in_its_project(cli: Cli) -> None:
    other = cli.project.parent / "other"
    other.mkdir()
    cli.ended("old", "true")

    assert "every project: --all" in cli("prune", cwd=other, check=0).stderr
    assert "shop/old: 1 run removed" in cli("prune", "--all", cwd=other, check=0).stdout


def test_how_much_is_kept_can_be_said(cli: Cli) -> None:
    cli("start", "--name", "n", "--keep-runs", "2", "--keep-bytes", "64K", "--", "true", check=0)
    for _ in range(3):
        cli.hub.wait_for_process(process="n", exit=True)
        cli("restart", "n", check=None)
    cli.hub.wait_for_process(process="n", exit=True)

    assert len(cli.hub.get_process_status(process="n")["history"]) == 2
    cli("start", "--keep-bytes", "much", "--", "true", check=2)


def test_the_daemon_tells_how_much_is_kept(cli: Cli) -> None:
    shown = cli("daemon", "status", check=0).stdout

    assert "of at most 2.0G" in shown
    assert "config.toml" in shown
    assert "of at most 2.0G" in cli("doctor", check=0).stdout


@pytest.mark.parametrize("text", ["total_bytes = 'much'\n[", "nonsense = 1\n"])
def test_problems_of_the_configuration_are_told(daemon: Daemon, tmp_path: Path, text: str) -> None:
    cli = Cli(daemon.home, tmp_path)
    cli("shutdown", "--yes", check=0)
    Path(cli.home.path, "config.toml").write_text(text, encoding="utf-8")
    daemon.start()

    assert "problem" in cli("daemon", "status", check=0).stdout
    told = cli("doctor", check=0).stdout
    assert "warning  config" in told
    assert "it is read again by itself" in told
