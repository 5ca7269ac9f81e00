"""Who did what, and why; and what somebody else protected."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from persistproc_core.client.sync import Client
from tests.cli.support import Cli
from tests.kit import program

VERBS = ("stop db", "restart db", "signal db TERM", "send db x", "protect db", "protect db --off")
WHY = "dependency update"


@pytest.fixture
def cursor(cli: Cli) -> Iterator[Client]:
    """Another program that works on the same project."""
    with Client(home=cli.home.path, autostart=False, working_directory=str(cli.project), name="cursor") as client:
        yield client


def told(cli: Cli) -> str:
    """What list says below its table, however long ago it was."""
    return re.sub(r"\d+ s ago", "just now", cli("list", check=0).stderr)


def test_who_did_what_and_why(cli: Cli, cursor: Client) -> None:
    cli("start", "--name", "web", "--reason", "the demo", "--", *program("sleeper"), check=0)
    assert told(cli) == ""
    cursor.restart_process(process="web", reason=WHY)
    assert f"web: restarted by cursor just now: {WHY}\n" in told(cli)
    status = cli("status", "web", check=0).stdout
    cli("stop", "web", "--reason", "the end", check=0)
    ended = cli("status", "web", check=0).stdout

    lines = [" ".join(line.split()) for line in status.splitlines()]
    assert any(line.startswith("restarted ") and ", after run 1, by cursor (pid " in line for line in lines)
    assert lines[-1].endswith(f" the command line in {cli.project}: the demo restarted as run 2")
    assert lines[-2].startswith("2 running ")
    assert lines[-2].endswith(f": {WHY}")
    assert status.count(WHY) == 2, "one for the process, one for its run"
    assert f", stopped by the command line in {cli.project}: the end\n" in ended
    last = [line for line in ended.splitlines() if line.startswith("2 ")]
    assert last[0].endswith(f"  stopped by the command line in {cli.project}: the end")
    assert "persistproc-cli" not in status + ended
    assert not any(line.startswith("pid ") for line in ended.splitlines())
    assert cli("list", check=0).stdout.splitlines()[1].split()[:3] == ["stopped", "web", "-"]
    assert told(cli) == ""


def test_what_nobody_gave_a_reason_for_is_no_news(cli: Cli) -> None:
    cli("start", "--name", "web", *program("sleeper"), check=0)
    assert told(cli) == ""


def test_what_somebody_else_protected(cli: Cli, cursor: Client) -> None:
    cursor.start_process(command=program("echo_stdin"), name="db", protected=True, reason="test data")
    assert "db: started by cursor just now: test data; protected by cursor\n" in told(cli)
    assert "protected    by cursor (pid " in cli("status", "db", check=0).stdout
    for words in (*VERBS, "stop --all"):
        refused = cli(*words.split(), check=77)
        assert refused.stdout == ""
        assert "shop/db is protected by cursor since " in refused.stderr
        assert ": test data; " in refused.stderr
        assert "give --force and --reason TEXT" in refused.stderr
    assert "--force needs --reason TEXT" in cli("stop", "db", "--force", check=77).stderr
    cli("start", "--name", "db", "--replace", "--", *program("sleeper"), check=77)
    error = json.loads(cli("stop", "db", "--json", check=77).stderr)["error"]
    assert (error["code"], error["protected_by"]["name"]) == ("process_protected", "cursor")
    assert [(p["state"], p["run"]) for p in cli.processes()] == [("running", 1)]

    why = ("--force", "--reason", WHY)
    cli("send", "db", "hello", *why, check=0)
    cli("signal", "db", "CONT", *why, check=0)
    cli("restart", "db", "--grace", "5", *why, check=0)
    replaced = cli.json("start", "--json", "--name", "db", "--replace", *why, "--", *program("sleeper"))
    assert (replaced["run"], replaced["protected_by"]["name"]) == (3, "cursor")  # type: ignore[index]
    assert cli("stop", "db", *why, "--grace", "5", check=0).stdout.startswith("db stopped (SIGTERM)")
    cli("rm", "db", check=77)
    cli("rm", "db", *why, check=0)


def test_protect(cli: Cli, cursor: Client) -> None:
    assert "protected by" not in cli("start", "--name", "a", *program("sleeper", "a"), check=0).stdout
    assert cli.json("start", "--json", "--protect", "--name", "b", *program("sleeper", "b"))["protected_by"]
    said = cli("protect", "a", "b", check=0).stdout.splitlines()
    assert said[0] == f"a is protected by the command line in {cli.project}; others need --force and --reason"
    assert said[1].startswith("b is protected by ")
    # To its owner, whichever terminal he sits at, it is as any other.
    cli("restart", "a", check=0)
    assert "a: protected by the command line\n" in told(cli)
    assert cli("protect", "--off", "a", check=0).stdout == "a is not protected any more\n"
    assert cli.processes("protect", "--off", "b")[0]["protected_by"] is None
    cursor.stop_process(process="a")
    cli("protect", "nope", check=3)
