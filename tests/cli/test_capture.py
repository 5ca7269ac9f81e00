"""``persistproc capture``: a program that persistproc did not start, in a pipeline."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from persistproc_core.paths import Home
from tests.cli.support import CLI, Cli, Terminal
from tests.kit import Daemon, numbered, program, read_line, read_until, wait_gone

CAPTURE = (*CLI, "capture", "--name", "web")


@contextlib.contextmanager
def capturing(cli: Cli, source: int | None = None) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]]:
    """The call, its standard output and its standard error; its input is a pipe unless it is given."""
    with subprocess.Popen(
        CAPTURE,
        cwd=cli.project,
        env=cli.variables(),
        stdin=subprocess.PIPE if source is None else source,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield process, process.stdout, process.stderr
        finally:
            process.kill()


def put(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(data)


def end_input(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()


def text(cli: Cli) -> list[str]:
    return [line["text"] for line in cli.hub.get_process_output(process="web")["lines"]]


def test_what_goes_in_comes_out_and_is_in_the_log(cli: Cli) -> None:
    data = bytes(range(256)) * 8 + numbered(3_000_000) + b"no newline"
    finished = subprocess.run(
        CAPTURE, cwd=cli.project, env=cli.variables(), input=data, capture_output=True, timeout=30
    )

    assert (finished.returncode, finished.stderr) == (0, b"")
    assert finished.stdout == data
    cli.hub.wait_for_process(process="web", exit=True)
    process = cli.processes()[0]
    assert (process["name"], process["captured"], process["state"]) == ("web", True, "exited")
    kept = subprocess.run(
        [*CLI, "logs", "web", "--raw", "-n", "all"],
        cwd=cli.project,
        env=cli.variables(),
        capture_output=True,
        timeout=30,
    )
    assert kept.stdout == data
    assert "captured" in cli("status", "web", check=0).stdout
    assert cli("restart", "web", check=None).returncode != 0


def test_a_running_pipeline_is_seen_by_others(cli: Cli) -> None:
    with subprocess.Popen(program("steady_writer", 5), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as writer:
        assert writer.stdout is not None
        with capturing(cli, writer.stdout.fileno()) as (process, out, _err):
            writer.stdout.close()
            assert read_line(out, 20) == b"out 0"
            cli.said("web", "out 5$")
            assert cli.hub.list_processes()["processes"][0]["state"] == "running"
            writer.terminate()
            rest = out.read()
            assert process.wait(20) == 0
    # The keeper may have its last words still to read.
    cli.hub.wait_for_process(process="web", exit=True)
    assert rest.splitlines()[-1].startswith(b"out end")
    assert rest.splitlines()[-1].decode() == text(cli)[-1]


def test_the_hub_away_does_not_stop_the_program(home: Home, tmp_path: Path) -> None:
    cli = Cli(home, tmp_path)
    os.rmdir(home.path)
    Path(home.path).write_text("no folder", encoding="utf-8")
    try:
        finished = subprocess.run(
            CAPTURE, cwd=tmp_path, env=cli.variables(), input=b"one\ntwo\n", capture_output=True, timeout=30
        )
    finally:
        os.unlink(home.path)
        os.mkdir(home.path, 0o700)
    assert (finished.returncode, finished.stdout) == (0, b"one\ntwo\n")
    assert finished.stderr.count(b"persistproc: ") == 1
    assert b"in no log" in finished.stderr


def test_what_nobody_takes_is_passed_through(cli: Cli, daemon: Daemon) -> None:
    cli.ended("x", "true")
    keeper = cli.hub.get_daemon_status()["keeper_pid"]
    assert keeper is not None
    with capturing(cli) as (process, out, err):
        put(process, b"first\n")
        assert read_line(out, 20) == b"first"
        cli.said("web", "first")
        os.kill(keeper, signal.SIGSTOP)
        try:
            block = numbered(65536)
            for _ in range(8):
                put(process, block)
                assert read_until(out.fileno(), block[-16:], 20) == block
            told = read_line(err, 20)
        finally:
            os.kill(keeper, signal.SIGCONT)
        put(process, b"last\n")
        assert read_line(out, 20) == b"last"
        end_input(process)
        assert process.wait(20) == 0
        assert err.read() == b""
    assert b"takes no more" in told


def test_a_daemon_that_is_killed_is_not_noticed(cli: Cli, daemon: Daemon) -> None:
    with capturing(cli) as (process, out, _err):
        put(process, b"before\n")
        assert read_line(out, 20) == b"before"
        daemon.kill()
        put(process, b"between\n")
        assert read_line(out, 20) == b"between"
        daemon.start()
        assert cli.hub.list_processes()["processes"][0]["state"] == "running"
        put(process, b"after\n")
        end_input(process)
        assert process.wait(20) == 0
    cli.hub.wait_for_process(process="web", exit=True)
    assert text(cli) == ["before", "between", "after"]


def test_ctrl_c_in_a_pipeline_ends_both_and_keeps_the_last_words(cli: Cli) -> None:
    script = "trap 'echo bye; exit 0' INT; echo ready; while :; do sleep 0.05; done"
    line = f'sh -c "{script}" | {" ".join(CAPTURE)}'
    terminal = Terminal(["/bin/bash", "-c", line], cli.project, cli.variables({"TERM": "xterm"}))
    terminal.wait_for("ready")
    cli.said("web", "ready")
    terminal.type("\x03")
    terminal.wait_for("bye")
    terminal.wait()
    terminal.close()

    cli.hub.wait_for_process(process="web", exit=True)
    assert text(cli) == ["ready", "bye"]
    assert cli.hub.list_processes()["processes"][0]["exit_code"] == 0


def test_a_reader_that_goes_away_is_no_reason_to_end(cli: Cli) -> None:
    finished = subprocess.run(
        ["bash", "-c", 'seq 100000 | "$@" | head -n 1; echo "${PIPESTATUS[@]}"', "bash", *CAPTURE],
        cwd=cli.project,
        env=cli.variables(),
        capture_output=True,
        encoding="utf-8",
        timeout=30,
    )

    assert (finished.stdout, finished.stderr) == ("1\n0 0 0\n", "")
    cli.hub.wait_for_process(process="web", exit=True)
    assert text(cli)[-1] == "100000"


@pytest.mark.parametrize("redirection", [">&-", "> /dev/full"])
def test_without_anywhere_to_pass_it_is_captured_all_the_same(cli: Cli, redirection: str) -> None:
    finished = subprocess.run(
        ["bash", "-c", f'printf "one\\ntwo\\n" | "$@" {redirection}', "bash", *CAPTURE],
        cwd=cli.project,
        env=cli.variables(),
        capture_output=True,
        encoding="utf-8",
        timeout=30,
    )

    assert finished.returncode == 0
    cli.hub.wait_for_process(process="web", exit=True)
    assert text(cli) == ["one", "two"]


def test_stop_ends_it(cli: Cli) -> None:
    with capturing(cli) as (process, out, _err):
        put(process, b"x\n")
        read_line(out, 20)
        cli.hub.stop_process(process="web")
        assert process.wait(20) == -signal.SIGTERM
    wait_gone(process.pid)
    assert cli.hub.list_processes()["processes"][0]["state"] == "stopped"


def test_what_is_refused(cli: Cli) -> None:
    assert "capture --name" in cli("capture", check=2).stderr
    with cli.terminal("capture", "--name", "web") as terminal:
        assert terminal.wait() == 2
    assert b"is a terminal" in terminal.output
    cli.began("web", *program("sleeper"))
    taken = cli("capture", "--name", "web", check=1)
    assert "web" in taken.stderr
    assert taken.stdout == ""


def test_attach_to_one_that_has_ended_promises_no_restart(cli: Cli) -> None:
    cli("capture", "--name", "web", stdin=subprocess.DEVNULL, check=0)
    cli.hub.wait_for_process(process="web", exit=True)
    attached = cli("attach", "web", check=1)

    assert "its output: persistproc logs web" in attached.stderr
    assert "restart" not in attached.stderr
