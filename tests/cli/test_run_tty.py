"""``--tty``: a terminal for the command, of the size and kind of the caller's."""

from __future__ import annotations

import re
import sys

from tests.cli.support import Cli
from tests.cli.window import DETACH, wait_until_drawn, window
from tests.kit import Daemon, program, wait_gone

SHOW = "import os, sys; print(os.isatty(0), os.isatty(1), os.isatty(2), *os.get_terminal_size(), os.environ['TERM'])"


def test_a_command_has_a_terminal_of_our_size(cli: Cli) -> None:
    with window(cli, "--tty", sys.executable, "-c", SHOW, size=(33, 99), env={"TERM": "screen"}) as terminal:
        shown = terminal.wait_for("True True True 99 33 screen\r\n")
        code, after = terminal.left()

    assert re.search(r"started \(pid \d+\); Ctrl-\\ leaves it running", shown)
    assert code == 0
    assert "ended with exit code 0" in after


def test_without_a_terminal_of_ours(cli: Cli) -> None:
    with cli.start("-t", sys.executable, "-c", SHOW, env={"TERM": "screen"}) as process:
        out, _err = process.communicate(timeout=20)

    assert out == b"True True True 80 24 screen\r\n"


def test_every_key_is_for_the_command(cli: Cli) -> None:
    with window(cli, "run", "-t", "--name", "editor", "--", *program("full_screen")) as terminal:
        terminal.wait_for("size 24 x 80, key '', drawing 1")
        terminal.type("\x03")
        terminal.wait_for(r"key '\\x03', drawing 2")
        terminal.resize(30, 90)
        terminal.wait_for("size 30 x 90")
        terminal.type(DETACH)
        code, shown = terminal.left()

    assert code == 0
    assert "persistproc attach editor" in shown
    assert cli.processes()[0]["state"] == "running"


def test_keys_that_were_typed_before_it_began(cli: Cli) -> None:
    words = ["sh", "-c", 'printf "name? "; read name; echo "hello $name"']
    with window(cli, "--tty", *words) as terminal:
        terminal.wait_for(r"name\? ")
        terminal.type("world\r")
        terminal.wait_for("hello world\r\n")
        code, _shown = terminal.left()

    assert code == 0


def test_joining_attaches(cli: Cli) -> None:
    editor = program("full_screen")
    cli("start", "--tty", "--name", "editor", "--", *editor, check=0)
    wait_until_drawn(cli, "editor")
    with window(cli, *editor) as terminal:
        terminal.wait_for("editor already runs")
        terminal.wait_for("size 24 x 80, key '', drawing 3")
        terminal.type("q")
        code, shown = terminal.left()

    assert code == 3
    assert "editor ended with exit code 3" in shown


def test_restart_keeps_the_terminal(cli: Cli) -> None:
    words = [sys.executable, "-c", SHOW + "; import time; time.sleep(1000)"]
    with window(cli, "start", "--tty", "--name", "show", "--", *words, size=(20, 70)) as terminal:
        code, shown = terminal.left()
    assert code == 0
    assert "attach to it with: persistproc attach show" in shown
    cli("restart", "show", check=0)
    cli.said("show", "^True True True 70 20")

    assert cli.processes()[0]["tty"] is True


def test_on_exit_stop_is_for_a_closed_window(cli: Cli) -> None:
    editor = program("full_screen")
    with window(cli, "run", "--tty", "--on-exit", "stop", "--name", "editor", "--", *editor) as terminal:
        terminal.wait_for("drawing 1")
        client = terminal.client()
        terminal.hang_up()
        wait_gone(client.pid)

    assert cli.processes()[0]["state"] == "stopped"


def test_the_daemon_dies_meanwhile(cli: Cli, daemon: Daemon) -> None:
    with window(cli, "--tty", "--name", "count", "sh", "-c", "while read x; do echo got $x; done") as terminal:
        terminal.wait_for("persistproc: count started.*\r\n")
        terminal.type("one\r")
        terminal.wait_for("one\r\ngot one\r\n")
        daemon.kill()
        terminal.type("two\r")
        shown = terminal.wait_for("got two\r\n")
        terminal.type(DETACH)
        code, _shown = terminal.left()

    assert shown == "two\r\ngot two\r\n"
    assert code == 0


def test_json_does_not_attach(cli: Cli) -> None:
    with window(cli, "run", "--json", "--tty", "--", "sh", "-c", "echo one; exit 3") as terminal:
        code, shown = terminal.left()

    assert code == 3
    assert '"already_running":false' in shown.replace(" ", "")
