"""``persistproc logs`` of one process and of several: what is chosen, in which order, and that all of it comes."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys

import pytest

from persistproc_core.errors import StartFailed
from tests.cli.support import CLI, Cli
from tests.kit import program

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
LINES = 6000


@pytest.fixture
def cli(cli: Cli) -> Cli:
    """No test here ends the daemon."""
    return cli


def again(cli: Cli, name: str) -> None:
    """One more run, to its end."""
    with contextlib.suppress(StartFailed):  # it has ended already
        cli.hub.restart_process(process=name)
    cli.hub.wait_for_process(process=name, exit=True)


def printed(cli: Cli, name: str, *lines: str) -> None:
    cli.ended(name, "printf", "%s\\n", *lines)


def shown(cli: Cli, *words: str) -> list[str]:
    return cli("logs", *words, check=0).stdout.splitlines()


def test_several_are_merged_by_time(cli: Cli) -> None:
    for name in ("a", "b"):
        cli.began(name, *program("echo_stdin"), name)
        cli.said(name, "^ready")
    for name, text in (("a", "1"), ("b", "2"), ("a", "3"), ("b", "4")):
        cli.hub.send_process_input(process=name, input=text)
        cli.said(name, text)
        # The times of two logs tell them apart from 50 ms on.
        cli.hub.wait_for_process(process=name, idle_seconds=0.06)

    whole = shown(cli, "a", "b")
    assert whole[-4:] == shown(cli)[-4:]
    assert [line[:4] for line in whole[-4:]] == ["a | ", "b | ", "a | ", "b | "]
    assert [line[-1] for line in whole[-4:]] == ["1", "2", "3", "4"]
    assert [line[:1] for line in shown(cli, "-n", "1", "b", "a")] == ["a", "b"]
    assert shown(cli, "a", "a", "-n", "1") == ["a | " + shown(cli, "a", "-n", "1")[0]]


def test_the_only_process_of_a_project_needs_no_name_and_no_prefix(cli: Cli) -> None:
    assert "no processes" in cli("logs", check=0).stderr
    printed(cli, "web", "one", "two")

    assert shown(cli) == ["one", "two"]


def test_all_projects(cli: Cli) -> None:
    other = cli.project.parent / "other"
    other.mkdir()
    printed(cli, "api", "mine")
    cli("run", "--name", "api", "--", "echo", "theirs", cwd=other, check=0)

    assert shown(cli) == ["mine"]
    assert {" ".join(line.split()) for line in shown(cli, "--all")} >= {"api | mine", "other/api | theirs"}
    assert shown(cli, "other/api") == ["theirs"]
    cli("logs", "--all", "api", check=2)


def test_grep(cli: Cli) -> None:
    printed(cli, "w", "alpha", "Beta", "gamma", "delta", "beta 2", "omega")

    assert shown(cli, "w", "--grep", "beta") == ["beta 2"]
    assert shown(cli, "w", "-g", "beta", "-i") == ["Beta", "beta 2"]
    assert shown(cli, "w", "-g", "a$", "-v") == ["beta 2"]
    assert shown(cli, "w", "-g", "gamma", "-C", "1") == ["Beta", "gamma", "delta"]
    assert shown(cli, "w", "-g", "gamma", "-A2") == ["gamma", "delta", "beta 2"]
    assert shown(cli, "w", "-g", "beta 2", "-B1") == ["delta", "beta 2"]
    assert shown(cli, "w", "-g", "a", "-n", "2") == ["beta 2", "omega"]
    assert shown(cli, "w", "-g", "a", "--head", "2") == ["alpha", "Beta"]
    assert "regular expression" in cli("logs", "w", "-g", "(", check=2).stderr


def test_lines_from_the_front_and_from_the_end(cli: Cli) -> None:
    printed(cli, "w", *map(str, range(150)))

    assert shown(cli, "w") == [str(n) for n in range(50, 150)]
    assert shown(cli, "w", "-n", "3") == ["147", "148", "149"]
    assert shown(cli, "w", "--head", "3") == ["0", "1", "2"]
    assert shown(cli, "w", "-n", "0") == []
    assert len(shown(cli, "w", "-n", "all")) == 150


def test_times(cli: Cli) -> None:
    printed(cli, "w", "before")
    cli("mark", "here", check=0)
    again(cli, "w")
    cli.ended("x", "echo", "after")

    assert shown(cli, "w", "--since", "mark:here") == ["before"]
    assert shown(cli, "w", "--since", "1h") == ["before", "before"]
    assert shown(cli, "--since", "mark:here") == ["w | before", "x | after"]
    assert shown(cli, "x", "--until", "mark:here") == []
    assert shown(cli, "w", "--until", "1h") == []
    stamped = shown(cli, "w", "-t")
    assert STAMP.match(stamped[0])
    assert stamped[0][24:] == " before"
    assert shown(cli, "w", "--since", stamped[0][:24]) == ["before"]
    for wrong in ("yesterday", "5 parsecs", "mark:nowhere"):
        assert cli("logs", "w", "--since", wrong, check=2).stdout == ""


def test_runs(cli: Cli) -> None:
    cli.ended("n", "sh", "-c", "echo run $PERSISTPROC_RUN | cut -d. -f2; echo always")
    again(cli, "n")

    assert shown(cli, "n") == ["2", "always"]
    assert shown(cli, "n", "--run", "previous") == ["1", "always"]
    assert shown(cli, "n", "--run", "all") == ["1", "always", "2", "always"]
    assert shown(cli, "n", "--run", "all", "-n", "all") == ["1", "always", "2", "always"]


def test_what_is_new_in_a_run(cli: Cli) -> None:
    script = "echo started in 12 ms; test -f flag && echo 'Error: no such table'; touch flag; echo listening on 3000"
    cli.ended("n", "sh", "-c", script)
    again(cli, "n")

    assert shown(cli, "n", "--new") == ["Error: no such table"]


def test_a_mark_is_set_by_reading(cli: Cli) -> None:
    cli.began("e", *program("echo_stdin"))
    cli.said("e", "^ready")
    cli("logs", "e", "--mark", "seen", check=0)
    cli.hub.send_process_input(process="e", input="more")
    cli.said("e", "more")

    new = shown(cli, "e", "--since", "mark:seen")
    assert len(new) == 1
    assert "more" in new[0]
    assert [mark["name"] for mark in json.loads(cli("mark", "--list", "--json", check=0).stdout)["marks"]] == ["seen"]


def flood(cli: Cli, name: str) -> list[str]:
    """A process that has printed more than fits into several replies."""
    cli.ended(name, sys.executable, "-c", f"for n in range({LINES}): print(n, 'x' * 190)")
    return [f"{n} {'x' * 190}" for n in range(LINES)]


def test_all_of_it_comes_however_much_it_is(cli: Cli) -> None:
    expected = flood(cli, "much")

    assert shown(cli, "much", "-n", "all") == expected
    assert shown(cli, "much", "-n", "5000") == expected[-5000:]
    assert shown(cli, "much", "--head", "4000") == expected[:4000]
    assert shown(cli, "much", "--since", "1h") == expected
    assert shown(cli, "much", "-g", "[02468] x") == [line for line in expected if line.split()[0][-1] in "02468"]
    assert shown(cli, "much", "-n", "4000", "-g", "x") == expected[-4000:]
    assert cli("logs", "much", "-n", "5000", "--raw", check=0).stdout.splitlines() == expected[-5000:]


def test_all_of_several_comes(cli: Cli) -> None:
    expected = flood(cli, "a")
    printed(cli, "b", "end")

    assert shown(cli, "a", "b", "-n", "5500") == [f"a | {line}" for line in expected[-5500:]] + ["b | end"]
    assert shown(cli, "--since", "1h") == [f"a | {line}" for line in expected] + ["b | end"]


def test_a_prompt_comes_after_the_lines_of_the_other_stream(cli: Cli) -> None:
    cli.began("q", "sh", "-c", "printf 'sure? '; echo one >&2; echo two >&2; read answer")
    for line in ("two", "sure"):  # two pipes, and either may be read first
        cli.said("q", line)
    with_prompt = cli("logs", "q", check=0).stdout

    assert with_prompt.splitlines() == ["one", "two", "sure? "]


def test_a_very_long_line_says_what_is_not_shown(cli: Cli) -> None:
    cli.ended("long", sys.executable, "-c", "print('a' * 1_000_000 + 'b')")
    told = cli("logs", "long", check=0)

    assert re.search(r"a…\[\d[\d,]+ bytes cut\]…a+b\n$", told.stdout)
    assert "1 long line shown without the middle" in told.stderr
    assert len(cli("logs", "long", "--raw", check=0).stdout) == 1_000_002


def test_json_of_one_and_of_several(cli: Cli) -> None:
    printed(cli, "a", "\x1b[31mone")
    printed(cli, "b", "two")
    document = cli.json("logs", "a", "--grep", "on", "-t", "--json")
    assert [line["text"] for line in document["lines"]] == ["one"]  # type: ignore[attr-defined]
    documents = [json.loads(line) for line in cli("logs", "a", "b", "--json", check=0).stdout.splitlines()]

    assert [(line["name"], line["project"], line["run"], line["text"]) for line in documents] == [
        ("a", "shop", 1, "one"),
        ("b", "shop", 1, "two"),
    ]
    assert all(STAMP.match(line["time"]) for line in documents)


def test_raw_is_for_one(cli: Cli) -> None:
    printed(cli, "a", "\x1b[2Jone")
    printed(cli, "b", "two")

    assert cli("logs", "a", "--raw", check=0).stdout == "\x1b[2Jone\n"
    assert "--raw NAME" in cli("logs", "--raw", check=2).stderr
    cli("logs", "a", "--raw", "-t", check=2)


@pytest.mark.parametrize("words", ["a b", "a", "-t a", "-g x a"])
def test_a_pipe_that_is_closed_early(cli: Cli, words: str) -> None:
    flood(cli, "a")
    printed(cli, "b", "end")
    finished = subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$@" -n all {words} | head -n 1', "bash", *CLI, "logs"],
        cwd=cli.project,
        env=cli.variables(),
        capture_output=True,
        encoding="utf-8",
        timeout=30,
    )

    assert finished.stderr == ""
    assert finished.stdout.count("\n") == 1
    assert finished.returncode == 141
