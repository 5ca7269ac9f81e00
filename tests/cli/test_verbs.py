"""Every verb, with and without ``--json``, against a real daemon."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from tests.cli.support import Cli
from tests.kit import free_port, is_alive, program, wait_gone

PROCESS_FIELDS = {
    "name", "project", "project_directory", "state", "pid", "run", "run_id", "command", "argv", "shell",
    "working_directory", "started_at", "ended_at", "exit_code", "signal", "reason", "ports", "started_by",
    "cpu_percent", "memory_bytes", "processes", "survivors", "runs",
}  # fmt: skip


def start(cli: Cli, name: str, *words: object) -> dict[str, object]:
    """Start a program under a name. A sleeper gets it as an argument: the same command twice is one process."""
    more = [name] if words == ("sleeper",) else []
    return cli.json("start", "--json", "--name", name, "--", *program(str(words[0]), *words[1:], *more))


def wait_ready(cli: Cli, name: str) -> None:
    cli("wait", name, "--output", "^ready", check=0)


def test_list(cli: Cli) -> None:
    assert cli.processes() == []
    nothing = cli("list", check=0)
    assert nothing.stdout == ""
    assert "persistproc COMMAND" in nothing.stderr
    web = start(cli, "web", "sleeper")
    cli("run", "--name", "bad", "--", "sh", "-c", "exit 3", check=3)
    cli("run", "--name", "good", "--", "true", check=0)
    cli("run", "--name", "shot", "--", "sh", "-c", "kill -KILL $$", check=137)
    start(cli, "gone", "sleeper")
    cli("stop", "gone", check=0)
    table = cli("ls", check=0).stdout.splitlines()

    assert table[0].split()[:3] == ["STATE", "NAME", "PID"]
    words = ["failed 3 bad", "stopped gone", "exited 0 good", "killed SIGKILL shot", "running web"]
    for line, start_of_line in zip(table[1:], words, strict=True):
        assert " ".join(line.split()).startswith(start_of_line)
    processes = {str(process["name"]): process for process in cli.processes()}
    assert set(processes["web"]) >= PROCESS_FIELDS
    assert processes["web"]["pid"] == web["pid"]
    assert processes["web"]["started_by"]["name"] == "persistproc-cli"  # type: ignore[index]
    ends = {name: (info["state"], info["exit_code"], info["signal"]) for name, info in processes.items()}
    assert ends == {
        "web": ("running", None, None),
        "bad": ("failed", 3, None),
        "good": ("exited", 0, None),
        "shot": ("failed", None, "SIGKILL"),
        "gone": ("stopped", None, "SIGTERM"),
    }
    assert [process["name"] for process in cli.processes("list", "--running")] == ["web"]


def test_projects(cli: Cli) -> None:
    other = cli.project.parent / "other"
    other.mkdir()
    start(cli, "api", "sleeper")
    cli("start", "--name", "api", "--", *program("sleeper"), cwd=other, check=0)

    assert len(cli.processes()) == 1
    assert [p["project"] for p in cli.processes("list", "--all")] == ["other", "shop"]
    assert "~" not in cli("status", "other/api", check=0).stdout.splitlines()[0]
    cli("stop", "api", cwd=other, check=0)
    assert [p["state"] for p in cli.processes("list", "--all")] == ["stopped", "running"]
    assert "PROJECT" in cli("list", "--all", check=0).stdout


def test_ports_are_listed(cli: Cli) -> None:
    port = free_port()
    start(cli, "web", "http_server", port)
    for condition in (["--any-port"], ["--port", str(port)]):
        assert cli.json("wait", "web", *condition, "--json")["met"] == "port"
    assert [(entry["port"], entry["address"]) for entry in cli.processes()[0]["ports"]] == [(port, "127.0.0.1")]  # type: ignore[attr-defined]
    assert f":{port}" in cli("list", check=0).stdout


def test_status(cli: Cli) -> None:
    start(cli, "web", "sleeper")
    cli("restart", "web", check=0)
    shown = cli("status", "web", check=0).stdout
    document = cli.json("--json", "status", "web")

    assert "shop/web" in shown
    assert "sleeper.py" in shown
    assert "REASON" in shown
    assert set(document) >= PROCESS_FIELDS | {"history", "environment_names", "log_directory"}
    assert [run["run"] for run in document["history"]] == [2, 1]  # type: ignore[attr-defined]


@pytest.mark.parametrize("form", ["web", "shop/web", "pid", "command"])
def test_ways_to_name_a_process(cli: Cli, form: str) -> None:
    process = start(cli, "web", "sleeper")
    target = {"pid": str(process["pid"]), "command": str(process["command"])}.get(form, form)

    assert cli.json("status", target, "--json")["run_id"] == process["run_id"]


def test_logs(cli: Cli) -> None:
    cli("run", "--name", "talk", "--", *program("alternate", 20), check=0)

    assert cli("logs", "-n", "3", "--stream", "stdout", "talk", check=0).stdout == "14\n16\n18\n"
    assert len(cli("logs", "talk", "-n", "all", check=0).stdout.splitlines()) == 20
    document = cli.json("logs", "talk", "-n", "1", "--stream", "stderr", "--json")
    assert [(line["stream"], line["text"]) for line in document["lines"]] == [("stderr", "19")]  # type: ignore[attr-defined]
    assert document["ended"] is True


def test_logs_of_another_run(cli: Cli) -> None:
    cli("run", "--name", "n", "--", "sh", "-c", "echo first $PERSISTPROC_RUN", check=0)
    cli("restart", "n")
    cli("wait", "n", check=0)

    assert "n.2." in cli("logs", "n", check=0).stdout
    assert "n.1." in cli("logs", "n", "--run", "previous", check=0).stdout
    assert "n.1." in cli("logs", "n", "--run", "1", check=0).stdout


def test_logs_are_plain_when_piped_and_exact_when_raw(cli: Cli) -> None:
    cli("run", "--name", "c", "--", "printf", r"\033[31mred\033[0m\033]0;t\007\n", check=0)

    assert cli("logs", "c", check=0).stdout == "red\n"
    assert cli("logs", "c", "--raw", check=0).stdout == "\x1b[31mred\x1b[0m\x1b]0;t\x07\n"


def test_logs_follow_to_the_end(cli: Cli) -> None:
    start(cli, "w", "steady_writer", 1)
    with cli.start("logs", "-f", "-n", "all", "--stream", "stdout", "w") as process:
        cli("wait", "w", "--output", "out 50$", check=0)
        cli("stop", "w", check=0)
        out, err = process.communicate(timeout=20)
    lines = out.splitlines()

    assert process.returncode == 0
    assert lines == [b"out %d" % n for n in range(len(lines) - 1)] + [b"out end %d" % (len(lines) - 1)]
    assert b"w was stopped" in err


def test_wait(cli: Cli) -> None:
    start(cli, "web", "sleeper")
    assert cli("wait", "web", "--output", "re.dy", check=0).stdout == "ready\n"
    late = cli("wait", "web", "--output", "never", "--timeout", "0.05", check=124)
    assert late.stderr.startswith("persistproc: ")
    cli("stop", "web", check=0)
    assert "web was stopped" in cli("wait", "web", "--exit", check=0).stdout
    cli("wait", "web", "--port", "1", check=1)
    cli("wait", "web", "--any-port", check=1)


def test_stop_and_restart(cli: Cli) -> None:
    first = start(cli, "web", "sleeper")
    assert "web restarted (run 2" in cli("restart", "web", check=0).stdout
    wait_gone(int(str(first["pid"])))
    assert cli("stop", "web", check=0).stdout.startswith("web stopped (SIGTERM)")
    assert cli("stop", "web", check=0).stdout == "web was not running\n"
    assert cli.processes("stop", "web")[0]["already_stopped"] is True
    assert "web restarted (run 3" in cli("restart", "web", check=0).stdout


def test_stop_escalates_or_forces(cli: Cli) -> None:
    for name, more in (("a", []), ("b", ["SIGTERM", "SIGINT"])):
        # Longer than a call may take here.
        cli("start", "--name", name, "--stop-grace", "1h", "--", *program("ignore_term", *more), check=0)
        wait_ready(cli, name)
    assert cli("stop", "a", "--grace", "0.2", check=0).stdout.startswith("a stopped (SIGKILL)")
    assert cli("stop", "b", "--force", check=0).stdout.startswith("b stopped (SIGKILL)")


def test_several_at_once(cli: Cli) -> None:
    for name in ("a", "b", "c"):
        start(cli, name, "sleeper", name)
    stopped = cli("stop", "a", "nope", "b", check=3)
    assert [line.split()[0] for line in stopped.stdout.splitlines()] == ["a", "b"]
    assert stopped.stderr.count("nope") >= 1
    assert [p["name"] for p in cli.processes("stop", "--all")] == ["c"]
    assert "nothing runs" in cli("stop", "--all", check=0).stderr
    assert [p["run"] for p in cli.processes("restart", "a", "b")] == [2, 2]


def test_rm(cli: Cli) -> None:
    start(cli, "web", "sleeper")
    assert "web" in cli("rm", "web", check=1).stderr
    cli("stop", "web", check=0)
    assert cli("rm", "web", check=0).stdout == "shop/web removed (1 run)\n"
    cli("status", "web", check=3)


def test_send(cli: Cli) -> None:
    start(cli, "e", "echo_stdin")
    wait_ready(cli, "e")
    assert cli.json("send", "e", "hello", "--json")["bytes"] == 6
    cli("send", "e", "--no-newline", "wor", check=0)
    cli("send", "e", "--", "-ld", check=0)
    cli("wait", "e", "--output", "got: wor-ld", check=0)


def test_signal(cli: Cli) -> None:
    start(cli, "t", "tell_signals")
    wait_ready(cli, "t")
    assert cli("signal", "t", "USR1", check=0).stdout == "USR1 sent to t\n"
    cli("wait", "t", "--output", "SIGUSR1", check=0)
    assert cli("signal", "t", "NOPE").returncode == 2


def test_env_diff_tells_names_only(cli: Cli) -> None:
    cli("start", "--name", "web", *program("sleeper"), env={"ONE": "s3cret", "TWO": "old"}, check=0)
    shown = cli("env", "diff", "web", env={"TWO": "n3w", "THREE": "x"}, check=0)

    assert set(shown.stdout.splitlines()) == {"- ONE", "~ TWO", "+ THREE"}
    document = json.loads(cli("env", "diff", "web", "--json", env={"TWO": "n3w"}, check=0).stdout)
    assert (document["added"], document["removed"], document["changed"]) == ([], ["ONE"], ["TWO"])
    assert "persistproc run -- env" in cli("env", "FOO=1", "ls", check=2).stderr


def test_env_tells_names_to_everybody_and_values_to_a_terminal(cli: Cli) -> None:
    cli("start", "--name", "web", *program("sleeper"), env={"ONE": "s3cret\x1b[31m"}, check=0)

    assert "ONE" in cli("env", "web", check=0).stdout.splitlines()
    assert "ONE" in str(cli.json("env", "web", "--json")["variables"])
    refused = cli("env", "web", "--values", check=2)
    assert "on a terminal only" in refused.stderr
    assert "s3cret" not in refused.stdout + refused.stderr
    assert cli("env", "web", "--values", "--json", check=2).stdout == ""
    with cli.terminal("env", "web", "--values") as terminal:
        assert terminal.wait() == 0
        shown = terminal.wait_for("ONE=.*")
    assert "ONE=s3cret" in shown
    assert "\x1b[31m" not in shown
    cli("stop", "web", check=0)
    with cli.terminal("env", "web", "--values") as terminal:
        terminal.wait_for("has ended")


def test_daemon(cli: Cli) -> None:
    status = cli.json("daemon", "status", "--json")
    assert set(status) >= {"pid", "version", "protocol", "home", "socket"}
    assert status["home"] == cli.home.path
    assert f"pid {status['pid']}" in cli("daemon", "status", check=0).stdout
    last = Path(cli.home.log).read_text("utf-8").splitlines()[-1]
    assert last in cli("daemon", "logs", check=0).stdout.splitlines()
    assert cli("daemon", "logs", "-n", "1", check=0).stdout.count("\n") == 1
    assert cli.json("daemon", "start", "--json")["pid"] == status["pid"]


def test_the_daemon_restarts_under_its_processes(cli: Cli) -> None:
    pid = start(cli, "web", "sleeper")["pid"]
    before = cli.json("daemon", "status", "--json")["pid"]
    after = cli.json("daemon", "restart", "--json")["pid"]

    assert before != after
    assert not is_alive(int(str(before)))
    assert [(p["state"], p["pid"]) for p in cli.processes()] == [("running", pid)]


def test_doctor(cli: Cli) -> None:
    assert "problem" not in cli("doctor", check=0).stdout
    document = cli.json("doctor", "--json")
    assert document["ok"] is True
    assert {finding["check"] for finding in document["findings"]} >= {"home", "socket path", "daemon", "keeper", "disk"}  # type: ignore[attr-defined]


def test_version(cli: Cli) -> None:
    assert cli("--version", check=0).stdout == cli("version", check=0).stdout
    document = cli.json("version", "--json")
    assert document["daemon"]["version"] == document["version"]  # type: ignore[index]


@pytest.mark.parametrize("line", ["--help", "help", "", "help run", "run --help", "help exit-codes"])
def test_help(cli: Cli, line: str) -> None:
    assert "persistproc" in cli(*line.split(), check=0).stdout


def test_shutdown(cli: Cli) -> None:
    pid = int(str(start(cli, "web", "sleeper")["pid"]))
    refused = cli("shutdown", check=2)
    assert "--yes" in refused.stderr
    assert is_alive(pid)
    daemon = int(str(cli.json("daemon", "status", "--json")["pid"]))
    document = cli.json("shutdown", "--yes", "--json")
    assert document["stopped"] == ["shop/web"]
    assert not is_alive(pid)
    assert not is_alive(daemon)
    assert "nothing to shut down" in cli("shutdown", "--yes", check=0).stderr
    cli("daemon", "start", check=0)


def test_shutdown_keeps(cli: Cli) -> None:
    pid = int(str(start(cli, "web", "sleeper")["pid"]))
    kept = cli("shutdown", "--keep", check=0)
    assert "still running: shop/web" in kept.stdout
    assert is_alive(pid)
    assert [p["pid"] for p in cli.processes("list", "--running")] == [pid]


def test_interrupt_of_a_verb_is_quiet(cli: Cli) -> None:
    cli.began("web", *program("sleeper"))
    with cli.terminal("wait", "web") as terminal:
        cli.looked_at("web")
        terminal.type("\x03")
        code = terminal.wait()

    assert code == 128 + signal.SIGINT
    assert b"Traceback" not in terminal.output


def test_a_process_of_another_project_is_named_with_it(cli: Cli) -> None:
    elsewhere = cli.project.parent / "elsewhere"
    elsewhere.mkdir()
    cli("start", "--name", "web", *program("sleeper"), check=0)

    assert cli("signal", "web", "CONT", cwd=elsewhere, check=0).stdout == "CONT sent to shop/web\n"
    assert cli("restart", "web", cwd=elsewhere, check=0).stdout.startswith("shop/web restarted")
    assert cli("stop", "web", cwd=elsewhere, check=0).stdout.startswith("shop/web stopped")


def test_status_says_who_and_how_many(cli: Cli) -> None:
    cli("start", "--name", "web", *program("sleeper"), check=0)
    shown = cli("status", "web", check=0).stdout

    assert ", 1 process\n" in shown
    assert f"by the command line in {cli.project}" in shown


def test_all_logs_of_a_process_that_never_stops_writing(cli: Cli) -> None:
    # Not at full speed: retention would have deleted the first line before anybody asks for it.
    script = (
        "import os, itertools, time\nfor n in itertools.count(): os.write(1, b'%d\\n' % n * 4000); time.sleep(0.01)"
    )
    cli("start", "--name", "flood", sys.executable, "-c", script, check=0)
    cli("wait", "flood", "--output", "^9$", check=0)
    # On a machine full of other work it is millions of lines by now.
    first = cli("logs", "-n", "all", "flood", check=0, within=35).stdout.partition("\n")[0]
    cli("stop", "--force", "flood", check=0)

    assert first == "0"
