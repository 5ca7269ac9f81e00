"""What the command line says of readiness: a start, restart or wait that waits, and the state in list and status."""

from __future__ import annotations

import json
import re

import pytest

from tests.cli.support import Cli
from tests.kit import Daemon, eventually, free_port, program


def test_ready_and_how(cli: Cli) -> None:
    port = free_port()
    done = cli("start", "--wait", "--name", "web", "--", *program("http_server", port), check=0)
    assert re.fullmatch(rf"web started \(pid \d+\), ready in [\d.]+ s: listens on port {port}\n", done.stdout)
    assert done.stderr == "persistproc: see its output with: persistproc logs -f web\n"
    assert re.match(r"running, ready +web ", cli("list", check=0).stdout.splitlines()[1])
    status = cli("status", "web", check=0).stdout
    assert re.search(rf"^ready +after [\d.]+ s: listens on port {port}$", status, re.MULTILINE)
    assert re.match(r"web is ready in [\d.]+ s: listens", cli("wait", "web", "--ready", check=0).stdout)
    done = cli("restart", "--wait", "--timeout", "20s", "web", check=0)
    assert re.match(r"web restarted \(run 2, pid \d+\), ready in [\d.]+ s: listens", done.stdout)


def test_why_not(cli: Cli) -> None:
    done = cli(
        "start", "--wait", "--name", "bad", "--", "sh", "-c", "echo one; echo Error: no database; exit 3", check=1
    )
    assert done.stdout == ""
    hint = "mend what its last lines say, then start it again"
    assert done.stderr == f"persistproc: bad exited with code 3 ({hint})\n  Error: no database\n"
    done = cli("restart", "--wait", "--json", "bad", check=1)
    error = json.loads(done.stderr)["error"]
    assert (error["code"], error["hint"], error["last_lines"]) == ("wait_failed", hint, ["Error: no database"])
    assert error["readiness"]["outcome"] == "failed"


def test_too_late(cli: Cli) -> None:
    words = [
        "start",
        "--wait",
        "--timeout",
        "0.2s",
        "--name",
        "slow",
        "--ready-output",
        "compiled",
        "--",
        "sleep",
        "60",
    ]
    done = cli(*words, check=124)
    assert re.match(
        r"persistproc: slow is not ready after [\d.]+ s: no line of its output matches compiled \(look", done.stderr
    )
    assert re.match(r"running, not ready yet +slow ", cli("list", check=0).stdout.splitlines()[1])
    assert re.search(r"^ready +not yet$", cli("status", "slow", check=0).stdout, re.MULTILINE)
    done = cli("wait", "slow", "--ready", "--timeout", "0.1", "--json", check=124)
    assert json.loads(done.stderr)["error"]["readiness"]["outcome"] == "timed_out"


def test_a_daemon_that_is_killed_ends_no_wait(cli: Cli, daemon: Daemon) -> None:
    waiting = cli.start("start", "--wait", "--name", "p", "--ready-command", "test -e go", "--", "sleep", "60")
    # Not before it is waited for: a start cannot be asked for a second time.
    eventually(lambda: any(each["last_used_at"] for each in cli.processes()), 10, "it is waited for")
    daemon.kill()
    (cli.project / "go").touch()
    output, _ = waiting.communicate(timeout=20)
    assert b"ready in" in output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--ready-port", "1", "--ready-url", "x"], "give one of --ready-port and --ready-url"),
        (["--ready-output", ""], "--ready-output needs a value"),
        (["--timeout", "3s"], "give --wait as well"),
        (["--ready-port", "99999999999"], "it has no port '99999999999'"),
    ],
    ids=["two", "empty", "timeout", "port"],
)
def test_what_cannot_be(cli: Cli, words: list[str], said: str) -> None:
    assert said in cli("start", *words, "--", "sleep", "60", check=2).stderr
    assert cli.processes() == []


def test_run_shows_the_output_instead(cli: Cli) -> None:
    assert "--detach as well" in cli("run", "--wait", "--", "true", check=2).stderr
    assert "give --wait as well" in cli("run", "--timeout", "3s", "--", "true", check=2).stderr
    assert "done: exited with code 0" in cli("run", "--wait", "--detach", "--", "true", check=0).stdout
