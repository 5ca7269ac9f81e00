"""What a person sees of logs: colour, and nothing else of what a program printed acts on his terminal."""

from __future__ import annotations

import re
import sys

import pytest

from tests.cli.support import Cli

COLOUR = re.compile("\x1b\\[[0-9;:]*m")
# What is left of the corpus beside text and colour: no control but those of lines, no C1, no bidi.
ACTS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

HOSTILE = r"""
import os
parts = [bytes([n]) for n in range(256)]
parts += [b"\x1b]0;title\x07", b"\x1b]52;c;cm0gLXJm\x1b\\", b"\x1b]8;;http://evil\x07link\x1b]8;;\x07"]
parts += [b"\x1b[?1049h\x1b[?1049l", b"\x1b[6n", b"\x1bc", b"\x1bP1$q\x1b\\", b"\xc2\x9b2J", b"\xc2\x9d0;t\xc2\x9c"]
parts += [b"\x1b[>4;1m", b"\x1b[2J\x1b[1;1H", "\u202egnp.exe\u2066".encode(), "\U0001f469\u200d\U0001f680".encode()[:3]]
parts += [b"\x1b[31mred", b"\x1b]0;never ends"]
data = b"".join(b"<" + part + b">" for part in parts)
for stream in (1, 2):
    for cut in range(0, len(data), 7):
        os.write(stream, data[cut : cut + 7])
    os.write(stream, b"\nsafe\n")
"""


@pytest.fixture
def cli(cli: Cli) -> Cli:
    """No test here ends the daemon."""
    return cli


def seen(cli: Cli, *words: str, env: dict[str, str] | None = None) -> str:
    with cli.terminal("logs", *words, env=env) as terminal:
        assert terminal.wait() == 0
        return terminal.output.decode("utf-8")


@pytest.mark.parametrize("words", ["web", "web other", "-t web", "-g . web", "-f web", "-f web other", "--run all web"])
def test_nothing_but_text_and_colour_reaches_the_terminal(cli: Cli, words: str) -> None:
    cli.ended("web", sys.executable, "-c", HOSTILE)
    cli.ended("other", "echo", "harmless")
    shown = seen(cli, *words.split())

    assert "safe" in shown
    assert not ACTS.search(COLOUR.sub("", shown)), words
    assert "title" not in shown


def test_names_are_coloured_and_a_red_bar_marks_standard_error(cli: Cli) -> None:
    cli.ended("web", "sh", "-c", "echo out; echo err >&2")
    cli.ended("database", "echo", "ready")
    # What is written to both streams in one moment has no order between the two.
    *of_web, database = seen(cli).splitlines()
    err, web = sorted(of_web, key=lambda line: "out" in line)

    assert COLOUR.sub("", web) == "web      | out"
    assert COLOUR.sub("", database) == "database | ready"
    assert "\x1b[31m|\x1b[0m err" in err
    assert "\x1b[31m" not in web + database
    assert COLOUR.findall(web)[0] != COLOUR.findall(database)[0]


def test_a_colour_that_is_left_on_ends_with_its_line(cli: Cli) -> None:
    cli.ended("a", "printf", r"\033[1;31mred\nstill\n")
    cli.ended("b", "printf", r"plain\n")
    for line in seen(cli, "a", "b").splitlines():
        assert not COLOUR.findall(line) or COLOUR.findall(line)[-1] in ("\x1b[0m", "\x1b[m"), line
    assert seen(cli, "a") == "\x1b[1;31mred\x1b[0m\r\nstill\r\n"
    cli.began("c", "sh", "-c", r"sleep 0.2; printf '\033[32mgreen\n'")
    alone = seen(cli, "-f", "c")

    assert alone.startswith(("\x1b[32mgreen\r\n\x1b[0m", "\x1b[32mgreen\x1b[0m\r\n")), alone


def test_no_color(cli: Cli) -> None:
    cli.ended("a", "printf", r"\033[31mred\033[0m\n")
    cli.ended("b", "printf", r"plain\n")

    assert seen(cli, "a", "b", env={"NO_COLOR": "1"}) == "a | red\r\nb | plain\r\n"
    assert seen(cli, "a", env={"NO_COLOR": "1"}) == "red\r\n"


def test_progress_does_not_run_over_the_prefix(cli: Cli) -> None:
    cli.ended("a", "printf", r"10%%\r55%%\r100%%\ndone\n")
    cli.ended("b", "printf", r"plain\n")
    lines = [COLOUR.sub("", line) for line in seen(cli, "a", "b").split("\r\n")]

    assert lines == ["a | 100%", "a | done", "b | plain", ""]


def test_raw_on_a_terminal_is_what_was_asked_for(cli: Cli) -> None:
    cli.ended("a", "printf", r"\033]0;title\007x\n")

    assert seen(cli, "--raw", "a") == "\x1b]0;title\x07x\r\n"


def test_a_terminal_of_a_process_is_shown_without_its_control(cli: Cli) -> None:
    script = r"printf '\033[?25l\033[32mgreen\033[0m\033[K\r\n'; test -t 1 && echo tty"
    cli.hub.start_process(command=["sh", "-c", script], name="t", tty=True)
    cli.hub.wait_for_process(process="t", exit=True)
    cli.ended("b", "printf", r"plain\n")

    for words in (("t",), ("t", "b")):
        shown = seen(cli, *words)
        assert "green" in shown
        assert "tty" in shown
        assert "\x1b" not in COLOUR.sub("", shown)


def test_a_colour_that_one_stream_leaves_on_does_not_reach_the_other(cli: Cli) -> None:
    cli.began(
        "web", "sh", "-c", r"printf 'first\n'; read x; printf '\033[31mred\n' >&2; read x; printf 'plain\n'; read x"
    )
    with cli.terminal("logs", "-f", "web") as terminal:
        terminal.wait_for("first")
        cli.hub.send_process_input(process="web", input="")
        terminal.wait_for("red\r\n")
        cli.hub.send_process_input(process="web", input="")
        shown = terminal.wait_for("plain")

    assert shown.startswith("\x1b[0m")
