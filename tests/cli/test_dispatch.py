"""Which verb a command line means, and what belongs to a foreign command; without a daemon."""

from __future__ import annotations

import pytest

from persistproc_cli.arguments import UsageError, parse
from persistproc_cli.commands.run import COMMAND as RUN
from persistproc_cli.dispatch import ALIASES, RUN_OPTIONS_WITH_VALUE, VERBS, dispatch
from persistproc_cli.main import command_named


def nothing(word: str) -> bool:
    return False


def everything(word: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("line", "verb", "words"),
    [
        ("", "help", []),
        ("list", "list", []),
        ("ls --all", "list", ["--all"]),
        ("--help", "help", []),
        ("--help stop", "help", ["stop"]),
        ("--version", "version", []),
        ("--serve", "serve", []),
        ("stop web --force", "stop", ["web", "--force"]),
        ("npm run dev", "run", ["--", "npm", "run", "dev"]),
        ("python -m http.server 8080", "run", ["--", "python", "-m", "http.server", "8080"]),
        ("echo --json -v --help", "run", ["--", "echo", "--json", "-v", "--help"]),
        ("-- list", "run", ["--", "list"]),
        ("FOO=1 list", "run", ["--", "FOO=1", "list"]),
        ("./stop", "run", ["--", "./stop"]),
        ("--name web npm run dev", "run", ["--name", "web", "npm", "run", "dev"]),
        ("--on-exit=stop -- list", "run", ["--on-exit=stop", "--", "list"]),
        ("-d npm start", "run", ["-d", "npm", "start"]),
    ],
)
def test_verbs(line: str, verb: str, words: list[str]) -> None:
    invocation = dispatch(line.split(), everything)

    assert (invocation.verb, invocation.words) == (verb, words)


def test_global_options_before_the_verb() -> None:
    invocation = dispatch(["--home", "/h", "--json", "list"])

    assert (invocation.home, invocation.json, invocation.verb) == ("/h", True, "list")
    assert dispatch(["--home=/h", "npm"], everything).home == "/h"


@pytest.mark.parametrize(
    ("word", "verb"),
    [
        ("lst", "list"), ("statsu", "status"), ("sotp", "stop"), ("restrat", "restart"), ("log", "logs"),
        ("shutdwon", "shutdown"), ("deamon", "daemon"), ("docter", "doctor"), ("lsit", "list"), ("sttart", "start"),
    ],
)  # fmt: skip
def test_a_misspelt_verb_is_not_executed(word: str, verb: str) -> None:
    with pytest.raises(UsageError, match=f"persistproc {verb}") as caught:
        dispatch([word, "web"], nothing)

    assert caught.value.exit_code == 2


def test_a_program_that_looks_like_a_verb_is_executed() -> None:
    assert dispatch(["lst", "x"], everything).words == ["--", "lst", "x"]


@pytest.mark.parametrize("word", ["uvicorn", "docker-compose", "a && b", "npm run dev", "vite"])
def test_what_resembles_no_verb_is_a_command(word: str) -> None:
    assert dispatch([word], nothing).words == ["--", word]


@pytest.mark.parametrize("line", ["--nmae web x", "--bogus", "-x list", "--home", "--name web stop", "-d ls"])
def test_what_is_not_understood_is_refused(line: str) -> None:
    with pytest.raises(UsageError):
        dispatch(line.split(), everything)


def test_the_table_of_options_before_a_command_is_that_of_run() -> None:
    declared = {name for option in RUN.options if option.value for name in option.names}

    assert declared == RUN_OPTIONS_WITH_VALUE
    for option in RUN.options:
        if not option.value:
            assert dispatch([option.names[0], "npm"], everything).verb == "run"


@pytest.mark.parametrize("verb", [*VERBS, *ALIASES.values()])
def test_every_verb_has_a_declaration(verb: str) -> None:
    command = command_named(verb)

    assert command.name == verb
    assert all(line.isprintable() for line in (command.usage, command.summary))


def test_options_of_run_end_at_the_command() -> None:
    arguments = parse(RUN, ["--name", "web", "-e", "A=1", "-eB=2", "npm", "--name", "x", "--", "y"])

    assert arguments.words == ["npm", "--name", "x", "--", "y"]
    assert arguments.text("--name") == "web"
    assert arguments.values("--env") == ["A=1", "B=2"]


def test_options_of_other_verbs_may_stand_anywhere() -> None:
    arguments = parse(command_named("logs"), ["web", "-n5", "--follow", "--run=2"])

    assert (arguments.words, arguments.text("--lines"), arguments.text("--run")) == (["web"], "5", "2")
    assert arguments.flag("--follow")


@pytest.mark.parametrize(
    ("verb", "words", "message"),
    [
        ("stop", ["--forse", "web"], "did you mean --force"),
        ("stop", ["--grace", "soon", "web"], "number"),
        ("stop", ["--grace"], "needs a value"),
        ("stop", ["--force=yes", "web"], "takes no value"),
        ("stop", ["--signal", "INT", "--signal", "HUP", "web"], "given twice"),
        ("status", [], "usage: persistproc status NAME"),
        ("status", ["a", "b"], "does not take 'b'"),
        ("send", ["web"], "usage: persistproc send"),
        ("list", ["web"], "does not take 'web'"),
        ("run", [], "usage: persistproc run"),
    ],
)
def test_usage_errors(verb: str, words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse(command_named(verb), words).number("--grace")

    assert caught.value.hint or "--grace" in caught.value.message or "twice" in caught.value.message
