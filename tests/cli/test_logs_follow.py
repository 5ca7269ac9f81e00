"""``persistproc logs -f`` of several processes: nothing missed and nothing twice, whatever is restarted or killed."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
from collections.abc import Iterator
from typing import IO

from tests.cli.support import Cli
from tests.kit import Daemon, program, read_line, read_until


def echo(cli: Cli, *names: str) -> None:
    """Processes that print what they are sent."""
    for name in names:
        cli.began(name, *program("echo_stdin"), name)
        cli.said(name, "^ready")


@contextlib.contextmanager
def following(cli: Cli, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]]:
    with cli.start("logs", "-f", *words) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield process, process.stdout, process.stderr
        finally:
            process.kill()


def test_two_are_followed_until_both_have_ended(cli: Cli) -> None:
    echo(cli, "a", "b")
    with following(cli, "a", "b") as (process, out, err):
        assert {read_line(out, 20), read_line(out, 20)} == {b"a | ready", b"b | ready"}
        cli.hub.send_process_input(process="b", input="hello")
        assert read_line(out, 20).startswith(b"b | ")
        cli.hub.stop_process(process="b")
        assert b"b was stopped (SIGTERM)" in read_line(err, 20)
        cli.hub.send_process_input(process="a", input="still there")
        assert b"still there" in read_line(out, 20)
        cli.hub.stop_process(process="a")
        assert process.wait(20) == 0
        assert b"a was stopped" in err.read()
        assert out.read() == b""


def test_what_has_ended_already_is_shown_and_told(cli: Cli) -> None:
    for name, code in (("a", 0), ("b", 3)):
        cli.ended(name, "sh", "-c", f"echo {name}; exit {code}")
    with following(cli, "a", "b") as (process, out, err):
        assert process.wait(20) == 0
        assert out.read() == b"a | a\nb | b\n"
        assert sorted(err.read().decode().splitlines()) == [
            "persistproc: a ended with exit code 0",
            "persistproc: b ended with exit code 3",
        ]


def test_a_restart_is_followed_with_a_note_between_the_runs(cli: Cli) -> None:
    echo(cli, "a", "b")
    with following(cli, "a", "b") as (process, out, err):
        read_line(out, 20), read_line(out, 20)
        cli.hub.restart_process(process="a", reason="new config")
        note = read_line(err, 20).decode()
        assert re.search(r"a was stopped \(SIGTERM\): restarted by test: new config; following run 2 \(pid \d+\)", note)
        assert read_line(out, 20) == b"a | ready"
        cli("stop", "a", "b", check=0)
        assert process.wait(20) == 0


def test_without_names_later_processes_are_shown_as_well(cli: Cli) -> None:
    echo(cli, "first")
    with following(cli, "-n", "0") as (process, out, err):
        while not select.select([out], [], [], 0.2)[0]:
            cli.hub.send_process_input(process="first", input="is anybody there?")
        cli.began("second", "sh", "-c", "echo new; exit 4")
        while (line := read_line(out, 20)).startswith(b"first | "):
            pass
        assert line == b"second | new"
        assert b"second started by test (pid " in read_line(err, 20)
        assert b"second ended with exit code 4" in read_line(err, 20)
        cli.hub.stop_process(process="first")
        assert b"first was stopped" in read_line(err, 20)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


def test_grep_of_what_comes(cli: Cli) -> None:
    echo(cli, "a")
    with following(cli, "a", "-g", "err|ready", "-A", "1") as (process, out, _err):
        assert read_line(out, 20) == b"ready"
        for text in ("one", "an err", "two", "three", "err again"):
            cli.hub.send_process_input(process="a", input=text)
        assert b"an err" in read_line(out, 20)
        assert b"two" in read_line(out, 20)
        assert b"err again" in read_line(out, 20)
        cli.hub.stop_process(process="a")
        assert process.wait(20) == 0


def test_a_prompt_is_shown_without_its_newline(cli: Cli) -> None:
    cli.began("ask", *program("prompt"))
    cli.said("ask", "name")
    echo(cli, "b")
    with following(cli, "-n", "all", "ask", "b") as (process, out, _err):
        shown = read_until(out.fileno(), b"name? ", 20)
        assert shown.endswith(b"ask | name? ")
        cli.hub.send_process_input(process="ask", input="joe")
        assert read_until(out.fileno(), b"hello joe\n", 20).endswith(b"\nask | hello joe\n")
        cli.hub.stop_process(process="b")
        assert process.wait(20) == 0


def numbers(lines: list[bytes], prefix: bytes) -> list[int]:
    return [int(line.rsplit(b" ", 1)[1]) for line in lines if line.startswith(prefix) and b" end " not in line]


def test_nothing_is_missed_or_doubled_when_the_daemon_is_killed(cli: Cli, daemon: Daemon) -> None:
    for name, pause in (("a", 2), ("b", 3)):
        cli.began(name, *program("steady_writer", pause))
    with following(cli, "--since", "1h", "a", "b") as (process, out, _err):
        shown = read_until(out.fileno(), b" 40\n", 20)
        os.kill(daemon.pid, signal.SIGKILL)
        shown += read_until(out.fileno(), b"0\n", 20)
        # It starts the daemon again by itself; what was printed meanwhile comes first.
        cli("stop", "a", "b", check=0)
        daemon.pid = cli.hub.get_daemon_status()["pid"]
        shown += out.read()
        assert process.wait(20) == 0
        lines = shown.splitlines()

    for label in (b"a", b"b"):
        for stream in (b"out", b"err"):
            found = numbers(lines, label + b" | " + stream)
            assert found == list(range(len(found)))
            assert len(found) > 40
            assert lines.count(b"%s | %s end %d" % (label, stream, len(found))) == 1


def test_stopping_the_daemon_ends_it(cli: Cli, daemon: Daemon) -> None:
    echo(cli, "a", "b")
    with following(cli, "a", "b") as (process, out, err):
        read_line(out, 20), read_line(out, 20)
        cli("daemon", "stop", check=0)
        assert process.wait(20) == 0
        assert b"the hub was stopped" in err.read()
    assert not os.path.exists(cli.home.socket)
    daemon.start()
