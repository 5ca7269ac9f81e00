"""What is executed: lists as they are, texts split as a shell would, and quoting kept byte for byte."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.kit import program


def reported(hub: Hub, *arguments: str) -> dict[str, Any]:
    hub.finish(program("report_environment", *arguments), name="r")
    found: dict[str, Any] = json.loads(hub.log_path("r").read_bytes())
    return found


@pytest.mark.parametrize(
    "words", [["a  b", "", "'", '"', "$HOME", "`x`", "*", "\n", "ä", "\\"], ["--port", "3000", "-v"], ["--", "-h"]]
)
def test_a_list_is_executed_as_it_is(hub: Hub, words: list[str]) -> None:
    assert reported(hub, *words)["arguments"] == words


def test_bytes_that_are_no_text_survive(hub: Hub) -> None:
    """A file name in Latin-1: JSON carries it as Python does, by a lone surrogate."""
    hub.finish(["printf", "%s", "caf\udce9"], name="p")
    assert hub.log_path("p").read_bytes() == b"caf\xe9"


TEXTS = [
    (r"""printf '%s|' 'a  b' "c  d" e\ f""", b"a  b|c  d|e f|", False),
    (r"""bash -c 'echo "a  b"; echo c'""", b"a  b\nc\n", False),
    (r"""printf %s '$HOME *'""", b"$HOME *", False),
    (r"""printf %s "it's"; printf %s '"'""", b"it's\"", True),
    ("FOO=1 sh -c 'echo $FOO'", b"1\n", True),
    ("echo a && echo b", b"a\nb\n", True),
    ("echo a | tr a b", b"b\n", True),
    ("false || echo no", b"no\n", True),
    ("echo $((1 + 1))", b"2\n", True),
    ("cd / && pwd", b"/\n", True),
    ("echo a > /dev/stderr; echo b", b"b\n", True),
    ("exec echo replaced", b"replaced\n", True),
]


@pytest.mark.parametrize(("text", "output", "shell"), TEXTS, ids=[text for text, _, _ in TEXTS])
def test_texts(hub: Hub, text: str, output: bytes, shell: bool) -> None:
    info = hub.finish(text, name="t")
    assert info["shell"] is shell
    assert info["command"] == text
    assert hub.log_path("t").read_bytes() == output


def test_a_list_with_shell_syntax_is_no_shell_line(hub: Hub) -> None:
    info = hub.finish(["echo", "a", "&&", "echo", "b"], name="l")
    assert info["shell"] is False
    assert hub.lines("l") == ["a && echo b"]


def test_a_glob_is_expanded_in_the_working_directory(hub: Hub) -> None:
    (hub.project / "one.txt").touch()
    (hub.project / "two.txt").touch()
    hub.finish("echo *.txt", name="g")
    assert hub.lines("g") == ["one.txt two.txt"]


@pytest.mark.parametrize("text", ["", "   ", "'unclosed", '"unclosed', "trailing\\", "''"])
def test_texts_that_are_no_command(hub: Hub, text: str) -> None:
    assert hub.error("start_process", command=text).code == "invalid_params"
    assert hub.list() == {}


@pytest.mark.parametrize("command", [[], [""], ["a\0b"], ["a", "\ud800"], [1], {"a": 1}, None, 5])
def test_what_is_no_command_at_all(hub: Hub, command: Any) -> None:
    assert hub.error("start_process", command=command).code == "invalid_params"
    assert hub.list() == {}


def test_a_command_of_a_hundred_thousand_characters(hub: Hub) -> None:
    word = "x" * 100_000
    hub.finish(["printf", "%s", word], name="long")
    assert hub.log_path("long").read_bytes() == word.encode()
