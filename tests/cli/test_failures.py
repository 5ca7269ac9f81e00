"""What goes wrong is said once, on standard error, with a documented exit code and never with a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from persistproc_core.paths import Home
from tests.cli.support import CLI, Cli
from tests.kit import program
from tests.meta.sources import ROOT

HEAVY = {
    "argparse", "asyncio", "dataclasses", "enum", "inspect", "json", "pathlib", "re", "rich", "shutil", "socket",
    "subprocess", "tempfile", "threading", "typing", "anyio", "trio", "psutil", "persistproc_core.protocol",
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["status", "nope"], 3, "process_not_found"),
        (["stop", "nope"], 3, "process_not_found"),
        (["logs", "nope"], 3, "process_not_found"),
        (["stop"], 2, "usage"),
        (["stop", "--bogus", "x"], 2, "usage"),
        (["statsu"], 2, "usage"),
        (["env"], 2, "usage"),
        (["shutdown"], 2, "usage"),
        (["start", "./nope"], 127, "start_failed"),
        (["wait", "web", "--output", "("], 2, "invalid_params"),
    ],
)
def test_errors_are_told_once_and_as_json(cli: Cli, words: list[str], code: int, error: str) -> None:
    cli("start", "--name", "web", *program("sleeper"), check=0)
    text = cli(*words, check=code)
    assert text.stdout == ""
    assert text.stderr.startswith("persistproc: ")
    assert sum(line.startswith("persistproc: ") for line in text.stderr.splitlines()) == 1
    document = cli("--json", *words, check=code)
    assert json.loads(document.stderr)["error"]["code"] == error
    if words[0] != "stop" or code == 2:
        assert document.stdout == ""


def test_ambiguous_names_list_the_candidates(cli: Cli) -> None:
    here = cli.project
    for folder in ("one", "two"):
        (here.parent / folder).mkdir()
        cli("start", "--name", "api", "--", *program("sleeper"), cwd=here.parent / folder, check=0)
    text = cli("status", "api", check=3)

    assert text.stderr.count("\n") == 1
    assert "one/api" in text.stderr
    assert "two/api" in text.stderr


def test_the_name_of_a_process_is_no_command_but_nearly(cli: Cli) -> None:
    cli("start", "--name", "web", *program("sleeper"), check=0)
    for words in (["web"], ["start", "web"]):
        told = cli(*words, check=127).stderr
        assert told.count("\n") == 1
        assert "persistproc logs -f web" in told
        assert "persistproc restart web" in told
    assert "persistproc logs" not in cli("no-such-program", check=127).stderr


@pytest.mark.parametrize("line", ["daemon status", "daemon stop", "daemon logs", "doctor", "version"])
def test_what_never_starts_a_daemon(home: Home, tmp_path: Path, line: str) -> None:
    cli = Cli(home, tmp_path)
    code = 69 if line == "daemon status" else 0
    cli(*line.split(), check=code)
    cli(*line.split(), "--json", check=code)
    cli("shutdown", "--yes", check=0)

    assert os.listdir(home.path) == []


def test_the_first_list_starts_the_daemon(home: Home, tmp_path: Path) -> None:
    cli = Cli(home, tmp_path)
    assert cli.processes() == []
    cli("daemon", "status", check=0)
    cli("shutdown", "--yes", check=0)


def test_an_unsafe_home(home: Home, tmp_path: Path) -> None:
    os.chmod(home.path, 0o777)
    cli = Cli(home, tmp_path)
    assert "chmod 700" in cli("list", check=78).stderr
    shown = cli("doctor", check=1).stdout
    assert "problem" in shown
    assert "chmod 700" in shown


def test_a_locale_that_knows_nothing(cli: Cli) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    folder = os.fsencode(cli.project) + b"/caf\xe9-\xe6\xbc\xa2"
    os.mkdir(folder)
    directory = Path(os.fsdecode(folder))
    cli("start", "--name", "web", *program("sleeper"), b"caf\xe9", cwd=directory, env=plain, check=0)
    for line in ("list", "list --all", "status web", "list --json", "logs web", "help", "doctor"):
        cli(*line.split(), cwd=directory, env=plain, check=0)
    assert "caf\\xe9" in cli("list", cwd=directory, env=plain, check=0).stdout
    process = json.loads(cli("list", "--json", cwd=directory, env=plain, check=0).stdout)["processes"][0]
    assert os.fsencode(process["argv"][-1]) == b"caf\xe9"
    assert os.fsencode(process["working_directory"]) == folder
    cli("stop", "web", cwd=directory, env=plain, check=0)


def test_a_working_directory_that_was_deleted(cli: Cli) -> None:
    script = 'mkdir gone; cd gone; rmdir "$PWD"; exec "$@"'

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", script, "sh", *CLI, *words],
            cwd=cli.project,
            env=cli.variables(),
            capture_output=True,
            encoding="utf-8",
            timeout=20,
        )

    assert run("list").returncode == 0
    assert run("list", "--json").returncode == 0
    failed = run("start", "sleep", "1")
    assert failed.returncode not in (0, 70)
    assert failed.stderr.startswith("persistproc: ")
    assert "Traceback" not in failed.stderr
    assert run("run", "--cwd", "/", "--", "true").returncode == 0


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", ">/dev/full"])
def test_closed_and_full_streams(cli: Cli, closed: str) -> None:
    cli("start", "--name", "web", *program("sleeper"), check=0)
    for words in ("list", "status web", "logs web", "status nope", "echo hello"):
        finished = subprocess.run(
            ["sh", "-c", f'exec "$@" {words} {closed}', "sh", *CLI],
            cwd=cli.project,
            env=cli.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=20,
        )
        assert "Traceback" not in finished.stderr
        assert "Exception ignored" not in finished.stderr
        assert finished.returncode in (0, 3, 74, 141), (words, finished)


def test_head_is_quiet(cli: Cli) -> None:
    script = "import os\nfor n in range(200_000): os.write(1, b'%d\\n' % n)"
    cli("start", "--name", "much", sys.executable, "-c", script, check=0)
    cli("wait", "much", "--exit", check=0)
    finished = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$@" | head -n 1', "bash", *CLI, "logs", "-n", "all", "much"],
        cwd=cli.project,
        env=cli.variables(),
        capture_output=True,
        encoding="utf-8",
        timeout=30,
    )

    assert (finished.stdout, finished.stderr) == ("0\n", "")
    assert finished.returncode == 141


def test_a_list_loads_nothing_heavy(cli: Cli) -> None:
    cli("start", "--name", "web", *program("sleeper"), check=0)
    for words in (["list"], ["list", "--json"]):
        finished = subprocess.run(
            [sys.executable, "-S", "-X", "importtime", "-m", "persistproc_cli", *words],
            cwd=cli.project,
            # -S reads no .pth file, and an editable install is one.
            env=cli.variables({"PYTHONPATH": str(ROOT)}),
            capture_output=True,
            encoding="utf-8",
            timeout=20,
        )
        loaded = {line.rpartition("|")[2].strip() for line in finished.stderr.splitlines()}

        assert finished.returncode == 0
        assert "persistproc_cli.commands.list" in loaded
        assert loaded & HEAVY == set()
