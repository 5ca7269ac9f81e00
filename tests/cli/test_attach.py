"""``persistproc attach`` to processes with a terminal, from a real terminal."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import sys

import psutil
import pytest

from tests.cli.support import CLI, Cli, Terminal
from tests.cli.window import DETACH, Window, wait_until_drawn, window
from tests.kit import Daemon, eventually, program, wait_gone

FULL_SCREEN_ON = r"\x1b\[\?1049h"
FULL_SCREEN_OFF = r"(?s)\x1b\[\?1000l.*\x1b\[\?25h.*\x1b\[\?1049l"
REPL = [sys.executable, "-I", "-q", "-c", "import sys, code; sys.ps1 = '>>> '; code.interact(banner='ready')"]


def start(cli: Cli, name: str, *command: str) -> None:
    """Start a process with a terminal of 24 x 80."""
    cli.hub.start_process(command=[*command], name=name, tty=True)


def start_editor(cli: Cli) -> None:
    """Start a program that fills the screen, and wait until it has done so: who attaches has it draw anew."""
    start(cli, "editor", *program("full_screen"))
    wait_until_drawn(cli, "editor")


def detach(window: Window) -> str:
    """Press the detach key and wait for the shell."""
    window.type(DETACH)
    code, shown = window.left()
    assert code == 0
    assert "still runs" in shown
    return shown


def test_typing_reaches_the_process_and_its_output_the_screen(cli: Cli) -> None:
    start(cli, "py", *REPL)
    with window(cli, "attach", "py") as terminal:
        told = terminal.wait_for(r"attached to py \(pid \d+\); Ctrl-\\ leaves it running")
        terminal.wait_for("ready\r\n>>> ")
        terminal.type("1234567 * 8\r")
        terminal.wait_for(r"1234567 \* 8\r\n9876536\r\n>>> ")
        shown = detach(terminal)

    assert "persistproc attach py" in shown
    assert "ready" not in shown
    assert "9876536" not in shown
    assert told.startswith("persistproc: ")
    assert cli.processes()[0]["state"] == "running"


def test_keys_are_bytes_also_ctrl_c(cli: Cli) -> None:
    start(cli, "py", *REPL)
    with window(cli, "attach", "py") as terminal:
        terminal.wait_for(">>> ")
        terminal.type("6 *\x03")
        terminal.wait_for("KeyboardInterrupt")
        terminal.type("'h\xe9' * 2\r")
        terminal.wait_for("'h\xe9h\xe9'")
        detach(terminal)


def test_the_last_lines_come_first(cli: Cli) -> None:
    start(cli, "web", "sh", "-c", "seq 1 100; printf 'go on? '; read x; echo \"got $x\"; sleep 1000")
    cli.said("web", "^go on")
    with window(cli, "attach", "web", size=(10, 80)) as terminal:
        terminal.wait_for("twice quickly.*\r\n")
        shown = terminal.wait_for(r"go on\? ")
        terminal.type("yes\r")
        terminal.wait_for("got yes\r\n")
        detach(terminal)

    assert shown == "".join(f"{n}\r\n" for n in range(93, 101)) + "go on? "


def test_a_full_screen_program_draws_anew(cli: Cli) -> None:
    start_editor(cli)
    with window(cli, "attach", "editor") as terminal:
        shown = terminal.wait_for("size 24 x 80, key '', drawing 3")
        terminal.type("a")
        terminal.wait_for("key 'a', drawing 4")
        undone = detach(terminal)
    modes = re.findall(r"\x1b(?:\[\?\d+[hl]|=)", shown[: shown.index("size")])

    assert {"\x1b[?1049h", "\x1b[?25l", "\x1b[?1000h", "\x1b[?1006h", "\x1b[?2004h", "\x1b[?1h", "\x1b="} <= set(modes)
    assert re.search(FULL_SCREEN_OFF, undone)
    for number in (1, 1006, 2004):
        assert f"\x1b[?{number}l" in undone
    assert "\x1b>" in undone


def test_the_size_follows_the_window(cli: Cli) -> None:
    start_editor(cli)
    with window(cli, "attach", "editor", size=(30, 100)) as terminal:
        terminal.wait_for("size 30 x 100")
        terminal.resize(40, 120)
        terminal.wait_for("size 40 x 120")
        detach(terminal)
    with window(cli, "attach", "editor", size=(50, 200)) as terminal:
        terminal.wait_for("size 50 x 200")
        detach(terminal)


def test_several_people_at_once(cli: Cli) -> None:
    start_editor(cli)
    with window(cli, "attach", "editor", size=(30, 90)) as one:
        one.wait_for("size 30 x 90")
        with window(cli, "attach", "editor", size=(20, 70)) as two:
            two.wait_for("size 20 x 70")
            one.wait_for("size 20 x 70")
            two.type("x")
            one.wait_for("key 'x'")
            two.wait_for("key 'x'")
            detach(two)
        one.resize(31, 91)
        one.wait_for("size 31 x 91")
        one.type("y")
        one.wait_for("key 'y'")
        detach(one)


def test_the_end_of_the_process(cli: Cli) -> None:
    start_editor(cli)
    with window(cli, "attach", "editor") as terminal:
        terminal.wait_for("drawing 3")
        terminal.type("q")
        code, shown = terminal.left()

    assert code == 3
    assert "persistproc: editor ended with exit code 3\r\n" in shown


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_the_client_detaches(cli: Cli, number: signal.Signals) -> None:
    start_editor(cli)
    with window(cli, "attach", "editor") as terminal:
        terminal.wait_for("drawing 3")
        terminal.client().send_signal(number)
        code, shown = terminal.left()

    assert code == 0
    assert re.search(FULL_SCREEN_OFF, shown)
    assert cli.processes()[0]["state"] == "running"


def test_a_killed_client_leaves_the_terminal_as_it_was(cli: Cli) -> None:
    start_editor(cli)
    with window(cli, "attach", "editor") as terminal:
        terminal.wait_for("drawing 3")
        client = terminal.client()
        guard = client.children()[0]
        eventually(lambda: guard.num_fds() == 2, what="the guard has closed all but its two")
        client.kill()
        shown = terminal.wait_for(r"left with 137\r?\n")
        wait_gone(guard.pid)
        shown += terminal.rest()

        assert terminal.attributes() == terminal.before
        assert re.search(FULL_SCREEN_OFF, shown)
    assert cli.processes()[0]["state"] == "running"


def test_the_guard_is_gone_after_a_normal_end(cli: Cli) -> None:
    start_editor(cli)
    with window(cli, "attach", "editor") as terminal:
        terminal.wait_for("drawing 3")
        guard = terminal.client().children()[0]
        detach(terminal)

        assert not psutil.pid_exists(guard.pid)


def test_a_killed_daemon_is_not_noticed(cli: Cli, daemon: Daemon) -> None:
    start(cli, "py", *REPL)
    with window(cli, "attach", "py") as terminal:
        terminal.wait_for(">>> ")
        terminal.type("6 * 7\r")
        terminal.wait_for("42\r\n>>> ")
        daemon.kill()
        terminal.type("7 * 8\r")
        shown = terminal.wait_for("56\r\n>>> ")
        daemon.pid = int(str(cli.json("daemon", "status", "--json")["pid"]))
        detach(terminal)

    assert shown == "7 * 8\r\n56\r\n>>> "
    daemon.shut_down()


def test_a_daemon_that_hangs_does_not_keep_us(cli: Cli, daemon: Daemon) -> None:
    start_editor(cli)
    with window(cli, "attach", "editor") as terminal:
        terminal.wait_for("drawing 3")
        os.kill(daemon.pid, signal.SIGSTOP)
        try:
            terminal.type("a")
            detach(terminal)
        finally:
            os.kill(daemon.pid, signal.SIGCONT)


def test_a_stopped_daemon_is_a_detach(cli: Cli, daemon: Daemon) -> None:
    start_editor(cli)
    with window(cli, "attach", "editor") as terminal:
        terminal.wait_for("drawing 3")
        cli("daemon", "stop", check=0)
        code, shown = terminal.left()

    assert code == 0
    assert "the hub was stopped; editor" in shown
    assert re.search(FULL_SCREEN_OFF, shown)
    daemon.start()


def test_the_detach_key_twice_is_for_the_process(cli: Cli) -> None:
    start(cli, "dump", "sh", "-c", "trap 'echo dumped' QUIT; echo ready; while :; do sleep 1000 & wait; done")
    with window(cli, "attach", "dump") as terminal:
        terminal.wait_for("ready")
        terminal.type(DETACH + DETACH)
        terminal.wait_for("dumped")
        detach(terminal)


@pytest.mark.parametrize(("name", "key"), [("ctrl-]", "\x1d"), ("^P", "\x10")])
def test_another_detach_key(cli: Cli, name: str, key: str) -> None:
    start(cli, "keys", "sh", "-c", "stty -icanon -isig -echo; echo ready; exec od -An -tx1 -v -w1")
    with window(cli, "attach", "--detach-key", name, "keys") as terminal:
        terminal.wait_for("ready")
        terminal.type(DETACH)
        terminal.wait_for("1c")
        terminal.type(key)
        code, _shown = terminal.left()

    assert code == 0


def test_a_restart_is_followed(cli: Cli) -> None:
    start_editor(cli)
    with window(cli, "attach", "editor") as terminal:
        terminal.wait_for("drawing 3")
        cli("restart", "editor", check=0)
        shown = terminal.wait_for("this is run 2")
        terminal.wait_for("size 24 x 80, key '', drawing 1")
        terminal.type("q")
        code, _shown = terminal.left()

    assert "\x1b[?1049l" in shown
    assert code == 3


def test_somebody_stops_it(cli: Cli) -> None:
    start_editor(cli)
    with window(cli, "attach", "editor") as terminal:
        terminal.wait_for("drawing 3")
        cli("stop", "editor", "--reason", "lunch", check=0)
        code, shown = terminal.left()

    assert code == 128 + signal.SIGTERM
    assert "lunch" in shown
    assert "\x1b[?1049l" in shown


def test_a_closed_window_leaves_the_process(cli: Cli) -> None:
    start_editor(cli)
    with window(cli, "attach", "editor") as terminal:
        terminal.wait_for("drawing 3")
        client = terminal.client()
        guard = client.children()[0]
        terminal.hang_up()
        wait_gone(client.pid)
        wait_gone(guard.pid)

    assert cli.processes()[0]["state"] == "running"


def test_what_is_pasted_arrives_whole(cli: Cli) -> None:
    start(cli, "count", "sh", "-c", "stty -icanon -echo min 1; echo ready; head -c 300000 | sum -s; sleep 1000")
    with window(cli, "attach", "count") as terminal:
        terminal.wait_for("ready")
        terminal.type_all(b"0123456789abcde\n" * (300_000 // 16))
        terminal.wait_for(r"\d+ 586\r\n")
        detach(terminal)


def test_a_process_that_reads_nothing_does_not_keep_us(cli: Cli) -> None:
    start(cli, "deaf", "sh", "-c", "stty -icanon -echo; echo ready; exec sleep 1000")
    with window(cli, "attach", "deaf") as terminal:
        terminal.wait_for("ready")
        terminal.type_all(b"x" * 400_000)
        detach(terminal)


def test_what_attach_refuses(cli: Cli) -> None:
    start(cli, "py", *REPL)
    cli("run", "--name", "ended", "--", "sh", "-c", "exit 3", check=3)

    piped = cli("attach", "py", check=2)
    assert "persistproc logs -f py" in piped.stderr
    ended = cli("attach", "ended", check=1)
    assert "ended with exit code 3" in ended.stderr
    assert "persistproc restart ended" in ended.stderr
    assert "persistproc logs ended" in ended.stderr
    assert "nothing" in cli("attach", "nothing", check=3).stderr
    assert "--json" in cli("attach", "--json", "py", check=2).stderr
    assert "--detach-key" in cli("attach", "--detach-key", "f1", "py", check=2).stderr


def test_a_pipe_types_too_while_a_terminal_shows(cli: Cli) -> None:
    start(cli, "py", *REPL)
    shell = f"echo '6 * 7' | {shlex.join(CLI)} attach py; echo left"
    with contextlib.closing(Terminal(["/bin/sh", "-c", shell], cli.project, cli.variables())) as terminal:
        terminal.wait_for("42\r\n>>> ")
        cli("stop", "py", check=0)
        terminal.wait_for("was stopped.*\r\nleft\r\n")
        terminal.wait()
