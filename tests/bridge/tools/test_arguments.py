"""Arguments are read as they were meant, and refused with what to give instead."""

from __future__ import annotations

import pytest

from persistproc_core import protocol
from persistproc_core.errors import InvalidParams
from persistproc_core.validation import fields
from persistproc_mcp.tools.arguments import read_arguments
from persistproc_mcp.tools.declared import TOOLS


def read(tool: str, **arguments: object) -> dict[str, object]:
    return read_arguments(TOOLS[tool], arguments)


def refused(tool: str, **arguments: object) -> str:
    with pytest.raises(InvalidParams) as caught:
        read(tool, **arguments)
    return caught.value.message


@pytest.mark.parametrize(
    ("tool", "given", "meant"),
    [
        ("stop_process", {"process": 48213}, {"process": "48213"}),
        ("stop_process", {"process": 48213.0}, {"process": "48213"}),
        ("stop_process", {"process": ["web"]}, {"process": "web"}),
        ("stop_process", {"process": "web", "force": "true"}, {"process": "web", "force": True}),
        ("stop_process", {"process": "web", "force": "No"}, {"process": "web", "force": False}),
        ("stop_process", {"process": "web", "reason": None}, {"process": "web"}),
        ("get_process_output", {"process": "web", "lines": "50"}, {"process": "web", "lines": 50}),
        ("get_process_output", {"process": "web", "lines": 50.0}, {"process": "web", "lines": 50}),
        ("get_process_output", {"process": "web", "run": 2}, {"process": "web", "run": "2"}),
        ("wait_for_process", {"process": "web", "port": "5173"}, {"process": "web", "port": 5173}),
        ("wait_for_process", {"process": "web", "idle_seconds": "1.5"}, {"process": "web", "idle_seconds": 1.5}),
        ("wait_for_process", {"process": "web", "timeout_seconds": "20s"}, {"process": "web", "timeout_seconds": 20}),
        ("start_process", {"command": ["npm", "run", "dev server"]}, {"command": "npm run 'dev server'"}),
        (
            "start_process",
            {"command": "x", "environment": {"PORT": 3000, "A": "b", "DEBUG": True}},
            {"command": "x", "environment": {"PORT": "3000", "A": "b", "DEBUG": "true"}},
        ),
        (
            "start_process",
            {"command": "x", "environment": '{"A": "b"}'},
            {"command": "x", "environment": {"A": "b"}},
        ),
        ("send_process_input", {"process": "web", "input": 42}, {"process": "web", "input": "42"}),
    ],
)  # fmt: skip
def test_what_is_meant(tool: str, given: dict[str, object], meant: dict[str, object]) -> None:
    assert read(tool, **given) == meant


@pytest.mark.parametrize(
    ("tool", "name", "right"),
    [
        ("start_process", "cwd", "working_directory"),
        ("start_process", "cmd", "command"),
        ("start_process", "env", "environment"),
        ("start_process", "wait_for", "output"),
        ("start_process", "timeout", "timeout_seconds (a number, at most 50)"),
        ("stop_process", "name", "process"),
        ("stop_process", "pid", "process"),
        ("stop_process", "processId", "process"),
        ("get_process_output", "tail", "lines (a whole number, at most 1000)"),
        ("get_process_output", "since_cursor", "cursor"),
        ("get_process_output", "pattern", "grep"),
        ("get_process_output", "streams", "stream (one of combined, stdout, stderr)"),
        ("wait_for_process", "until", "output"),
        ("wait_for_process", "pattern", "output"),
        ("send_process_input", "text", "input"),
    ],
)
def test_an_unknown_argument_is_told_the_right_one(tool: str, name: str, right: str) -> None:
    required = {"start_process": {"command": "x"}}.get(tool, {"process": "web", "input": "x"})
    if tool not in ("start_process", "send_process_input"):
        del required["input"]
    assert refused(tool, **required, **{name: "x"}) == f'Unknown argument "{name}"; use {right}'


def test_one_that_nothing_is_like() -> None:
    assert refused("list_processes", frobnicate=1) == (
        'Unknown argument "frobnicate"; list_processes takes '
        "working_directory, all_projects, running, stale, unused_for"
    )


@pytest.mark.parametrize(
    ("tool", "given", "told"),
    [
        ("start_process", {}, "command is missing"),
        ("start_process", {"command": None}, "command is missing"),
        ("start_process", {"command": {"x": 1}}, "command must be text, not an object"),
        ("start_process", {"command": True}, "command must be text, not a boolean"),
        ("start_process", {"command": "x", "tty": "perhaps"}, "tty must be true or false, not text"),
        ("start_process", {"command": "x", "timeout_seconds": 60},
         "timeout_seconds must be a number, at most 50, not 60"),
        ("start_process", {"command": "x", "timeout_seconds": "soon"},
         "timeout_seconds must be a number, at most 50, not text"),
        ("start_process", {"command": "x", "timeout_seconds": 10**400},
         "timeout_seconds must be a number, at most 50, not a number"),
        ("start_process", {"command": "x", "environment": ["A=b"]},
         "environment must be an object of variables and their values"),
        ("start_process", {"command": "x", "environment": {"A": ["secret"]}},
         'environment must have a text for "A"'),
        ("get_process_output", {"process": "web", "lines": 1.5},
         "lines must be a whole number, at most 1000, not 1.5"),
        ("get_process_output", {"process": "web", "stream": "both"},
         "stream must be one of combined, stdout, stderr"),
        ("stop_process", {"process": ["web", "api"]}, "process must be text, not a list"),
        ("get_process_output", {"tail": 5, "lines": "many"},
         'Unknown argument "tail"; use lines (a whole number, at most 1000). '
         "lines must be a whole number, at most 1000, not text. process is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_a_sentence(tool: str, given: dict[str, object], told: str) -> None:
    assert refused(tool, **given) == told


@pytest.mark.parametrize(
    "given",
    [
        {"environment": "s3cret"},
        {"environment": {"A": ["s3cret"]}},
        {"environment": ["A=s3cret"]},
        {"port": "s3cret"},
        {"tty": "s3cret"},
        {"command": {"s3cret": 1}},
    ],
)
def test_no_refusal_shows_a_text_that_was_given(given: dict[str, object]) -> None:
    assert "s3cret" not in refused("start_process", **{"command": "x", **given})


METHODS = {
    "start_process": (protocol.StartProcessParams, protocol.WaitForProcessParams),
    "restart_process": (protocol.RestartProcessParams, protocol.WaitForProcessParams),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_arguments_are_called_as_in_the_protocol(tool: str) -> None:
    declared = METHODS.get(tool, (protocol.METHODS[tool].params,))
    known = {name for params in declared for name in fields(params)}
    taken = {**_properties(tool), **TOOLS[tool].also_takes}
    assert set(taken) - known == set()


def _properties(tool: str) -> dict[str, dict[str, object]]:
    found = TOOLS[tool].input_schema["properties"]
    assert isinstance(found, dict)
    return found
