"""A person at a terminal: Ctrl-C and its question, colours, and nothing that acts on the terminal."""

from __future__ import annotations

import re
import sys

import pytest

from tests.cli.support import Cli, Terminal
from tests.kit import program

CTRL_C = "\x03"
QUESTION = r"\[d\]etach, \[s\]top, \[r\]estart\? "


def test_detach(cli: Cli) -> None:
    with cli.terminal("--name", "web", *program("steady_writer", 1)) as terminal:
        terminal.wait_for("out 50")
        terminal.type(CTRL_C)
        terminal.wait_for(f"web runs on. {QUESTION}")
        terminal.type("d")
        shown = terminal.wait_for("persistproc stop web")
        code = terminal.wait()

    assert code == 0
    # The writer goes on all the time; between the question and the answer nothing of it was shown.
    assert shown.startswith("detach\r\n")
    assert "out " not in shown
    assert "still runs" in shown
    assert "persistproc logs -f web" in shown
    assert cli.processes()[0]["state"] == "running"


def test_the_question_stands_below_an_unfinished_line(cli: Cli) -> None:
    with cli.terminal("--name", "web", *program("prompt")) as terminal:
        terminal.wait_for(r"name\? ")
        terminal.type(CTRL_C)
        terminal.wait_for(QUESTION)
        terminal.type("d")
        shown = terminal.wait_for("still runs")
        terminal.wait()

    assert "\r\n\r\n" not in shown


def test_stop(cli: Cli) -> None:
    with cli.terminal("--name", "web", *program("steady_writer", 1)) as terminal:
        terminal.wait_for("out 5")
        terminal.type(CTRL_C)
        terminal.wait_for(QUESTION)
        terminal.type("s")
        terminal.wait_for("out end")
        code = terminal.wait()

    assert code == 130
    assert cli.processes()[0]["state"] == "stopped"


def test_restart_shows_the_new_run(cli: Cli) -> None:
    with cli.terminal("--name", "web", *program("sleeper")) as terminal:
        terminal.wait_for("ready")
        terminal.type(CTRL_C)
        terminal.wait_for(QUESTION)
        terminal.type("r")
        terminal.wait_for(r"web restarted \(run 2")
        terminal.wait_for("ready")
        terminal.type(CTRL_C)
        terminal.wait_for(QUESTION)
        terminal.type("s")
        code = terminal.wait()

    assert code == 130
    assert [(p["state"], p["run"]) for p in cli.processes()] == [("stopped", 2)]


@pytest.mark.parametrize("answer", [CTRL_C, "\r", "\x04"])
def test_what_else_detaches(cli: Cli, answer: str) -> None:
    with cli.terminal("--name", "web", *program("sleeper")) as terminal:
        terminal.wait_for("ready")
        terminal.type(CTRL_C)
        terminal.wait_for(QUESTION)
        terminal.type(f"xyz{answer}")
        terminal.wait_for("still runs")
        code = terminal.wait()

    assert code == 0
    assert cli.processes()[0]["state"] == "running"


def test_on_exit_detach_does_not_ask(cli: Cli) -> None:
    with cli.terminal("run", "--name", "web", "--on-exit", "detach", "--", *program("sleeper")) as terminal:
        terminal.wait_for("ready")
        terminal.type(CTRL_C)
        shown = terminal.wait_for("persistproc stop web")
        code = terminal.wait()

    assert code == 0
    assert "[d]etach" not in shown


def test_a_second_ctrl_c_while_it_stops_kills(cli: Cli) -> None:
    with cli.terminal("run", "--name", "web", "--stop-grace", "1h", "--", *program("ignore_term")) as terminal:
        terminal.wait_for("ready")
        terminal.type(CTRL_C)
        terminal.wait_for(QUESTION)
        terminal.type("s")
        terminal.wait_for("stopping web")
        terminal.type(CTRL_C)
        code = terminal.wait()

    assert code == 130
    assert cli.processes()[0]["signal"] == "SIGKILL"


def test_a_closed_terminal_leaves_the_process(cli: Cli) -> None:
    with cli.terminal("--name", "web", *program("sleeper")) as terminal:
        terminal.wait_for("ready")
        code = terminal.hang_up()

    assert code == 0
    assert cli.processes()[0]["state"] == "running"


def test_output_cannot_act_on_the_terminal(cli: Cli) -> None:
    evil = r"\033[31mred\033[0m \033]52;c;cm0=\a\033[2J\033[1;1H\033]0;t\033\\ \233\302\2332J \342\200\256end\n"
    with cli.terminal("printf", evil) as terminal:
        shown = terminal.wait_for("end")
        terminal.wait()

    assert "\x1b[31mred\x1b[0m" in shown
    assert "\x1b" not in re.sub("\x1b\\[[0-9;]*m", "", shown)
    assert "\x07" not in shown
    assert "\x9b" not in shown
    assert "\u202e" not in shown


def test_names_and_commands_cannot_act_on_the_terminal(cli: Cli) -> None:
    cli("start", "--reason", "\x1b[2Jwhy\u202e", "--", *program("sleeper"), "\x1b]0;x\x07", check=0)
    name = str(cli.processes()[0]["name"])
    for words in (["list"], ["status", name], ["list", "--all"]):
        with cli.terminal(*words) as terminal:
            terminal.wait()
            shown = terminal.output.decode()
        assert "\x1b" not in re.sub("\x1b\\[[0-9;]*m", "", shown), shown
        assert "\u202e" not in shown


def test_a_table_on_a_terminal_is_coloured_and_cut(cli: Cli) -> None:
    cli("start", "--name", "web", *program("sleeper"), "x" * 300, check=0)
    with cli.terminal("list") as terminal:
        terminal.wait()
        shown = terminal.output.decode()

    assert "\x1b[32mrunning" in shown
    assert all(len(re.sub("\x1b\\[[0-9;]*m", "", line)) <= 80 for line in shown.split("\r\n"))
    assert "x" * 300 in cli("list", check=0).stdout


def test_a_narrow_terminal_shows_what_matters(cli: Cli) -> None:
    cli("start", "--name", "web", "sleep", "1000", check=0)
    narrow = ["/bin/sh", "-c", f"stty cols 46; exec {sys.executable} -m persistproc_cli list"]
    terminal = Terminal(narrow, cli.project, cli.variables({"TERM": "xterm"}))
    terminal.wait()
    shown = terminal.output.decode()
    terminal.close()

    assert "MEMORY" not in shown
    assert "sleep 1000" in shown


def test_no_color(cli: Cli) -> None:
    cli("start", "--name", "web", *program("sleeper"), check=0)
    with cli.terminal("list", env={"NO_COLOR": "1"}) as terminal:
        terminal.wait()

    assert b"\x1b" not in terminal.output
    assert b"running" in terminal.output


def test_logs_follow_until_ctrl_c(cli: Cli) -> None:
    cli("start", "--name", "web", *program("steady_writer", 1), check=0)
    with cli.terminal("logs", "-f", "web") as terminal:
        terminal.wait_for("out 100\r\n")
        terminal.type(CTRL_C)
        code = terminal.wait()

    assert code == 130
    assert cli.processes()[0]["state"] == "running"


def test_shutdown_asks(cli: Cli) -> None:
    cli("start", "--name", "web", *program("sleeper"), check=0)
    with cli.terminal("shutdown") as terminal:
        terminal.wait_for("running: shop/web")
        terminal.wait_for(r"all that runs \(1\)\? \[y/N\] ")
        terminal.type("n\r")
        assert terminal.wait() == 1
    assert cli.processes()[0]["state"] == "running"


def test_a_line_that_is_cut_gets_its_end_before_our_note(cli: Cli) -> None:
    with cli.terminal(sys.executable, "-c", "print('no newline', end='')") as terminal:
        terminal.wait()

    assert re.search(rb"no newline(\x1b\[0m)?\r\npersistproc: ", terminal.output)
