"""Restart policies from the command line: set, what list and status say, and what somebody sees who looks at it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from persistproc_cli.render import state_colour, state_words
from persistproc_cli.restarts import outlook
from tests.cli.support import Cli
from tests.cli.test_render import info
from tests.kit import program, read_line

Rule = Callable[[str], None]
LATER = "pause_seconds = 86400\nlongest_pause_seconds = 86400"
SOON = "pause_seconds = 0.01"
FAILS = program("exit_n", 3)


@pytest.fixture
def rule(cli: Cli) -> Iterator[Rule]:
    """Configures the back-off."""
    path = Path(cli.home.config)

    def configure(text: str) -> None:
        path.write_text(f"[restart]\n{text}\n", "utf-8")

    yield configure
    path.unlink(missing_ok=True)


def test_words_and_colours() -> None:
    planned = info(
        state="restarting",
        exit_code=1,
        ended_at="2026-01-02T03:04:05.006Z",
        restart_at="2999-01-02T03:04:05.006Z",
        reason="exited with code 1; starts again in 4 s (2 of 5)",
    )
    assert re.fullmatch(r"restarting in \d+s \(2/5\)", state_words(planned))
    assert state_colour(planned) == "yellow"
    at = datetime.now(timezone.utc) + timedelta(seconds=0.5)
    soon = {
        **planned,
        "restart_at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reason": "exited with code 1; starts again in 1 s (1 of 5)",
    }
    assert outlook(soon) == "starts again in less than a second (1 of 5)"
    past = info(**{**planned, "restart_at": "2020-01-02T03:04:05.006Z"})
    assert state_words(past) == "restarting in 0s (2/5)"
    words = "exited with code 1; given up after 5 restarts in a row: persistproc restart web tries again"
    given_up = info(state="failed", exit_code=1, reason=words)
    assert state_words(given_up) == "failed 1, given up"
    assert state_colour(given_up) == "red"


def test_set_and_what_is_told_of_it(cli: Cli) -> None:
    cli.began("web", *program("sleeper"))
    done = cli("set", "web", "--restart", "on-failure", "--autostart", "--ttl", "2h", "--reason", "demo", check=0)
    assert done.stdout == "web: restart on-failure, autostart yes, ttl 2h, idle timeout none\n"
    (document,) = cli.processes("set", "web", "--ttl", "0", "--no-autostart", "--idle-timeout", "1h30m")
    assert (document["ttl_seconds"], document["autostart"], document["idle_timeout_seconds"]) == (None, False, 5400)
    assert re.search(r"^restart +on-failure$", cli("status", "web", check=0).stdout, re.MULTILINE)
    joined = cli("start", "--name", "web", "--restart", "always", "--", *program("sleeper"), check=0)
    assert "differs: restart: you asked for always, running is on-failure" in joined.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("set", "web"), "set what?"),
        (("set", "web", "--restart", "allways"), "policies are never, on-failure, always"),
        (("set", "web", "--autostart", "--no-autostart"), "cannot both be given"),
        (("set", "--restart", "always"), "usage: persistproc set"),
        (("set", "web", "--ttl", "soon"), "needs a duration"),
        (("run", "--restart", "allways", "true"), "there is no restart policy 'allways'"),
    ],
    ids=["nothing", "policy", "both", "no name", "duration", "run"],
)
def test_what_makes_no_sense(cli: Cli, words: tuple[str, ...], told: str) -> None:
    failed = cli(*words, check=2)
    assert told in failed.stderr
    assert cli.processes() == []


def test_set_of_nobody(cli: Cli) -> None:
    assert "there is no process 'web'" in cli("set", "web", "--restart", "always", check=3).stderr


def test_what_waits_for_its_restart(cli: Cli, rule: Rule) -> None:
    rule(LATER)
    cli("start", "--name", "web", "--restart", "on-failure", "--", *FAILS, check=0)
    cli.hub.wait_for_process(process="web")
    assert re.search(r"^restarting in \d+s \(1/5\) +web +- ", cli("list", "--running", check=0).stdout, re.MULTILINE)
    shown = cli("status", "web", check=0).stdout
    assert re.search(r"^reason +exited with code 3; starts again in \d+ s \(1 of 5\)$", shown, re.MULTILINE)
    assert "web is restarting in" in cli("wait", "web", "--state", "restarting", check=0).stdout
    stopped = cli("stop", "--all", "--reason", "lunch", check=0)
    assert stopped.stdout == "web ended with exit code 3; it is not started again\n"
    shown = cli("status", "web", check=0).stdout
    told = r"^reason +exited with code 3; not started again: stopped by persistproc-cli: lunch$"
    assert re.search(told, shown, re.MULTILINE)
    assert cli("stop", "web", check=0).stdout == "web was not running\n"


def test_run_follows_into_the_next_run(cli: Cli, rule: Rule) -> None:
    """And has the last one's exit code when it is given up."""
    rule(f"{SOON}\nlimit = 2")
    script = "echo run $(ls | wc -l); touch $(ls | wc -l); exit 4"
    done = cli("run", "--name", "web", "--restart", "on-failure", "--", "sh", "-c", script)
    assert done.stdout.splitlines() == ["run 0", "run 1", "run 2"]
    assert done.returncode == 4
    said = done.stderr.splitlines()
    assert sum("web ended with exit code 4; " in line for line in said) == 3
    assert said[-1].endswith(
        "web ended with exit code 4; given up after 2 restarts in a row: persistproc restart web tries again"
    )
    assert sum("following run" in line for line in said) == 2


def test_run_ends_when_somebody_stops_it_in_the_pause(cli: Cli, rule: Rule) -> None:
    rule(LATER)
    with cli.start("run", "--name", "web", "--restart", "on-failure", "--", *FAILS) as looking:
        assert looking.stderr is not None
        assert b"web ended with exit code 3; starts again in" in read_line(looking.stderr, 20)
        cli.hub.stop_process(process="web", reason="lunch")
        _, told = looking.communicate(timeout=20)
    assert looking.returncode == 3
    assert b"web is not started again: stopped by test: lunch" in told


@pytest.mark.parametrize(
    ("key", "code", "told"),
    [
        ("s", 130, "web ended with exit code 3; it is not started again"),
        ("d", 0, r"detached; web waits to be started again in \d+ s \(1 of 5\)"),
    ],
    ids=["stop", "detach"],
)
def test_ctrl_c_in_the_pause(cli: Cli, rule: Rule, key: str, code: int, told: str) -> None:
    rule(LATER)
    with cli.terminal("run", "--name", "web", "--restart", "on-failure", "--", *FAILS) as terminal:
        terminal.wait_for("web ended with exit code 3; starts again in")
        terminal.type("\x03")
        terminal.wait_for(r"web waits to be started again in \d+ s \(1 of 5\)\. \[d\]etach")
        terminal.type(key)
        shown = terminal.wait_for(told)
        assert terminal.wait() == code
    assert "stopping" not in shown


def test_a_ttl_that_has_passed_names_the_process_and_prints_no_document(cli: Cli) -> None:
    cli.began("web", *program("sleeper"))
    failed = cli("set", "web", "--ttl", "0.001s", "--json")
    assert failed.returncode
    assert failed.stdout == ""
    assert f"{cli.project.name}/web has run for" in failed.stderr
    assert cli("set", "nope", "--ttl", "1h", "--json", check=3).stdout == ""
    some = cli("set", "nope", "web", "--ttl", "1h", "--json", check=3)
    assert '"name":"web"' in some.stdout.replace(" ", "")


def test_followers_of_several_wait_for_the_next_run(cli: Cli, rule: Rule) -> None:
    rule(LATER)
    cli.hub.start_process(command=FAILS, name="web", restart="on-failure")
    cli.hub.wait_for_process(process="web")
    cli.began("api", *program("sleeper"))
    with cli.start("logs", "-f", "web", "api") as looking:
        assert looking.stdout is not None
        assert b"ready" in read_line(looking.stdout, 20)
        cli.hub.stop_process(process="api")
        cli.hub.stop_process(process="web")
        _, told = looking.communicate(timeout=20)
    assert looking.returncode == 0
    assert b"web ended with exit code 3; it is to be started again" in told
    assert b"web is not started again: stopped by test" in told
