"""``persistproc COMMAND``: what is run, with what, what is shown of it, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.support import Cli
from tests.kit import Daemon, program, read_line, read_until, wait_gone

SHOW_ARGUMENTS = "import os, sys; os.write(1, repr([os.fsencode(a) for a in sys.argv[1:]]).encode())"


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 0", 0), ("exit 7", 7), ("kill -SEGV $$", 139), ("kill -KILL $$", 137), ("exit 255", 255)],
)
def test_the_exit_code_is_the_commands_own(cli: Cli, script: str, code: int) -> None:
    assert cli("sh", "-c", script).returncode == code


def test_all_output_of_a_program_that_ends_at_once(cli: Cli) -> None:
    finished = cli(*program("abort_after_lines"), check=128 + signal.SIGABRT)

    assert finished.stdout == ""
    assert finished.stderr.startswith("".join(f"line {n} of 30\n" for n in range(1, 31)))


def test_bytes_pass_through_pipes_exactly(cli: Cli) -> None:
    script = "import os; data = bytes(range(256)) * 64; os.write(1, data); os.write(2, data[::-1])"
    with cli.start(sys.executable, "-c", script) as process:
        out, err = process.communicate(timeout=20)

    assert out == bytes(range(256)) * 64
    assert err == out[::-1]
    assert process.returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["-m", "http.server", "8080"],
        ["--json", "-v", "--help", "--port", "3000"],
        ['a  "b"', "it's", "$HOME", "`x`", "a\\nb", "a\nb", "", "*", "--", "-"],
        ["漢字", "é\u0301", "\U0001f600"],
    ],
)
def test_arguments_arrive_byte_for_byte(cli: Cli, arguments: list[str]) -> None:
    finished = cli(sys.executable, "-c", SHOW_ARGUMENTS, *arguments, check=0)

    assert finished.stdout == repr([argument.encode() for argument in arguments])


def test_arguments_that_are_not_utf_8(cli: Cli) -> None:
    finished = cli(sys.executable, "-c", SHOW_ARGUMENTS, b"caf\xe9", env={"LC_ALL": "C", "PYTHONUTF8": "0"}, check=0)

    assert finished.stdout == repr([b"caf\xe9"])


def test_quoting_of_a_shell_survives(cli: Cli) -> None:
    assert cli("bash", "-c", 'echo "a  b"; echo c', check=0).stdout == "a  b\nc\n"


@pytest.mark.parametrize(
    ("words", "output"),
    [
        (["echo one && echo two"], "one\ntwo\n"),
        (["echo a | tr a b"], "b\n"),
        (["FOO=1 sh -c 'echo $FOO'"], "1\n"),
        (["echo   'a  b'"], "a  b\n"),
        (["FOO=a b", "sh", "-c", "echo $FOO"], "a b\n"),
        (["--env", "FOO=x", "sh", "-c", "echo $FOO"], "x\n"),
        (["run", "--", "echo", "list"], "list\n"),
    ],
)
def test_lines_of_text_and_variables(cli: Cli, words: list[str], output: str) -> None:
    assert cli(*words, check=0).stdout == output


def test_the_run_has_what_its_caller_has(cli: Cli) -> None:
    below = cli.project / "below"
    below.mkdir()
    (cli.project / "a.env").write_text("FROM_FILE='x y'\nBOTH=file\n", "utf-8")
    words = [
        "run",
        "--cwd",
        "below",
        "--env-file",
        "a.env",
        "--env",
        "BOTH=option",
        "--",
        *program("report_environment"),
    ]
    finished = subprocess.run(
        [
            "sh",
            "-c",
            'umask 027; ulimit -n 77; trap "" HUP; exec "$@"',
            "sh",
            sys.executable,
            "-m",
            "persistproc_cli",
            *words,
        ],
        cwd=cli.project,
        env=cli.variables({"MINE": "secret value"}),
        capture_output=True,
        encoding="utf-8",
        timeout=20,
    )
    told = json.loads(finished.stdout)

    assert told["variables"]["MINE"] == "secret value"
    assert (told["variables"]["FROM_FILE"], told["variables"]["BOTH"]) == ("x y", "option")
    assert told["directory"] == str(below)
    assert told["umask"] == 0o027
    assert told["limits"]["nofile"][0] == 77
    assert told["ignored"] & 1 << (signal.SIGHUP - 1)
    assert not told["ignored"] & 1 << (signal.SIGINT - 1)


def test_a_command_that_is_not_there(cli: Cli) -> None:
    finished = cli("./no-such-program", check=127)

    assert finished.stderr.count("\n") == 1
    assert "no-such-program" in finished.stderr
    assert cli.processes() == []


def test_a_command_that_cannot_be_executed(cli: Cli) -> None:
    (cli.project / "data").write_text("no program", "utf-8")

    assert "data" in cli("./data", check=126).stderr


def test_a_directory_that_is_not_there(cli: Cli) -> None:
    finished = cli("run", "--cwd", "nowhere", "--", "true")

    assert finished.returncode not in (0, 70)
    assert "nowhere" in finished.stderr


def test_joining_says_so_and_what_differs(cli: Cli) -> None:
    sleeper = program("sleeper")
    first = cli("start", "--name", "web", *sleeper, check=0)
    assert "web started (pid" in first.stdout
    second = cli("start", *sleeper, env={"EXTRA": "hidden"}, check=0)

    assert "web already runs" in second.stdout
    assert "EXTRA" in second.stderr
    assert "hidden" not in second.stderr
    assert len(cli.processes()) == 1


def test_run_joins_and_shows_from_the_first_byte(cli: Cli) -> None:
    sleeper = program("sleeper")
    cli("start", "--name", "web", *sleeper, check=0)
    with cli.start(*sleeper) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert read_line(process.stdout, 20) == b"ready"
        assert b"web already runs" in read_line(process.stderr)
        process.send_signal(signal.SIGTERM)
        assert b"still runs" in process.stderr.read()
    assert process.returncode == 0
    assert cli.processes()[0]["state"] == "running"


def test_the_same_name_for_another_command(cli: Cli) -> None:
    cli("start", "--name", "web", *program("sleeper"), check=0)
    refused = cli("start", "--name", "web", *program("echo_stdin"), check=1)
    assert "--replace" in refused.stderr or "replace" in refused.stderr
    replaced = cli("start", "--name", "web", "--replace", *program("echo_stdin"), check=0)

    assert "web started" in replaced.stdout
    assert len(cli.processes("list", "--running")) == 1


def test_fresh_restarts(cli: Cli) -> None:
    before = cli.json("start", "--json", *program("sleeper"))
    after = cli.json("start", "--fresh", "--json", *program("sleeper"))

    assert (after["already_running"], after["run"]) == (False, 2)
    assert after["pid"] != before["pid"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_without_a_terminal_a_signal_detaches(cli: Cli, number: signal.Signals) -> None:
    with cli.start("--name", "web", *program("sleeper")) as process:
        assert process.stdout is not None
        assert read_line(process.stdout, 20) == b"ready"
        process.send_signal(number)
        _out, err = process.communicate(timeout=20)

    assert process.returncode == 0
    assert b"web (pid" in err
    assert b"persistproc logs -f web" in err
    assert b"persistproc stop web" in err
    assert cli.processes()[0]["state"] == "running"


def test_on_exit_stop_answers_in_advance(cli: Cli) -> None:
    with cli.start("run", "--name", "web", "--on-exit", "stop", "--", *program("steady_writer", 5)) as process:
        assert process.stdout is not None
        assert read_line(process.stdout, 20) == b"out 0"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)

    assert process.returncode == 130
    assert b"out end" in out
    assert b"stopping web" in err
    assert cli.processes()[0]["state"] == "stopped"


def test_somebody_else_stops_it(cli: Cli) -> None:
    with cli.start("--name", "web", *program("sleeper")) as process:
        assert process.stdout is not None
        assert read_line(process.stdout, 20) == b"ready"
        cli("stop", "web", "--reason", "lunch", check=0)
        _out, err = process.communicate(timeout=20)

    assert process.returncode == 128 + signal.SIGTERM
    assert b"was stopped (SIGTERM)" in err
    assert b"lunch" in err
    assert b"persistproc-cli" in err


def test_somebody_else_restarts_it(cli: Cli) -> None:
    with cli.start("--name", "web", *program("sleeper")) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert read_line(process.stdout, 20) == b"ready"
        cli("restart", "web", check=0)
        assert b"following run 2" in read_until(process.stderr.fileno(), b"\n", 20)
        assert read_line(process.stdout, 20) == b"ready"
        cli("stop", "web", check=0)
        process.communicate(timeout=20)

    assert process.returncode == 128 + signal.SIGTERM


def test_the_daemon_dies_meanwhile(cli: Cli, daemon: Daemon) -> None:
    with cli.start("run", "--on-exit", "stop", "--", *program("steady_writer", 2)) as process:
        assert process.stdout is not None
        assert read_line(process.stdout, 20) == b"out 0"
        daemon.kill()
        shown = b"out 0\n" + read_until(process.stdout.fileno(), b"out 500\n", 30)
        process.send_signal(signal.SIGINT)
        rest, _err = process.communicate(timeout=30)
    daemon.pid = int(str(cli.json("daemon", "status", "--json")["pid"]))
    lines = (shown + rest).splitlines()
    end = lines[-1].split()

    assert process.returncode == 130
    assert lines[:-1] == [b"out %d" % number for number in range(int(end[2]))]
    assert end[:2] == [b"out", b"end"]
    daemon.shut_down()


def test_nobody_reads_any_more(cli: Cli) -> None:
    script = 'exec "$@" | head -n 2; exit 0'
    words = [sys.executable, "-m", "persistproc_cli", "--name", "web", *program("steady_writer", 1)]
    finished = subprocess.run(
        ["sh", "-c", script, "sh", *words],
        cwd=cli.project,
        env=cli.variables(),
        capture_output=True,
        encoding="utf-8",
        timeout=20,
    )

    assert finished.stdout == "out 0\nout 1\n"
    assert "Traceback" not in finished.stderr
    assert "BrokenPipe" not in finished.stderr
    assert cli.processes()[0]["state"] == "running"


def test_json_lines(cli: Cli) -> None:
    finished = cli("--json", "run", "--", "sh", "-c", "echo one; exit 3", check=3)
    documents = [json.loads(line) for line in finished.stdout.splitlines()]

    assert documents[0]["already_running"] is False
    assert "".join(line["text"] for document in documents[1:] for line in document["lines"]) == "one\n"
    assert (documents[-1]["ended"], documents[-1]["exit_code"]) == (True, 3)


def test_a_misspelt_verb_runs_nothing(cli: Cli) -> None:
    refused = cli("statsu", "web", check=2)

    assert "persistproc status" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert cli.processes("list", "--all") == []


def test_values_of_variables_stay_out_of_the_home(cli: Cli) -> None:
    cli("--name", "web", "SECRET=s3cr3t-value", "true", check=0)
    for folder, _, files in os.walk(cli.home.path):
        for name in files:
            path = Path(folder, name)
            if path.is_file():
                # The daemon still writes: a file that is about to take its place has its other name by now.
                with contextlib.suppress(FileNotFoundError):
                    assert b"s3cr3t-value" not in path.read_bytes(), path


def test_the_process_outlives_a_killed_caller(cli: Cli) -> None:
    with cli.start("--name", "web", *program("sleeper")) as process:
        assert process.stdout is not None
        assert read_line(process.stdout, 20) == b"ready"
        process.kill()
        process.wait()
    wait_gone(process.pid)

    assert cli.processes()[0]["state"] == "running"
