"""What a call may say, and the one sentence that it gets when it says something else."""

from __future__ import annotations

import math
import time
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistproc_core.errors import InvalidParams
from persistproc_core.protocol import METHODS
from persistproc_core.schema import json_schema, validate_params

START, OUTPUT, STATUS = METHODS["start_process"], METHODS["get_process_output"], METHODS["get_daemon_status"]


def refused(method: str, params: object) -> InvalidParams:
    with pytest.raises(InvalidParams) as raised:
        validate_params(METHODS[method], params)
    return raised.value


@pytest.mark.parametrize(
    "params",
    [
        {"command": "npm run dev"},
        {"command": ["npm", ""]},
        {"command": "a", "environment": {"A": "", "": "x"}, "umask": 0, "fresh": True},
        {"command": "a", "client": {"name": "cli", "version": "", "pid": 1, "directory": "/"}},
        {"command": "a", "resource_limits": {"core": [0, -1]}, "ignored_signals": []},
        {"command": "caf\udce9"},  # a name that is not UTF-8 (PEP 383)
    ],
)
def test_what_fits_comes_back_as_it_is(params: dict[str, object]) -> None:
    assert validate_params(START, params) == params


def test_a_whole_number_is_a_number() -> None:
    assert validate_params(OUTPUT, {"process": 17, "wait_seconds": 3}) == {"process": 17, "wait_seconds": 3}


@pytest.mark.parametrize("params", [None, {}, []])
def test_no_parameters(params: object) -> None:
    assert validate_params(STATUS, params) == {}


@pytest.mark.parametrize(
    ("method", "params", "sentence"),
    [
        ("start_process", {}, "command is missing"),
        ("start_process", None, "command is missing"),
        ("start_process", {"command": 5}, "command must be text or a list of texts, not a number"),
        ("start_process", {"command": ["a", None]}, "command[1] must be text, not null"),
        ("start_process", {"command": []}, "command must not be empty"),
        ("start_process", {"command": ""}, "command must not be empty"),
        ("start_process", {"command": "a", "name": "x" * 65}, "name must have 1 to 64 characters"),
        ("start_process", {"command": "a", "reason": "x" * 501}, "reason must have at most 500 characters"),
        ("start_process", {"command": "a", "fresh": 1}, "fresh must be true or false, not a number"),
        ("start_process", {"command": "a", "umask": True}, "umask must be a whole number, not a boolean"),
        ("start_process", {"command": "a", "umask": 2.0}, "umask must be a whole number, not a number"),
        ("start_process", {"command": "a", "umask": 512}, "umask must be between 0 and 511"),
        ("start_process", {"command": "a", "environment": []}, "environment must be an object, not a list"),
        ("start_process", {"command": "a", "environment": {"A": 1}}, "environment.A must be text, not a number"),
        (
            "start_process",
            {"command": "a", "resource_limits": {"core": [1, "2"]}},
            "resource_limits.core[1] must be a whole number, not text",
        ),
        ("start_process", {"command": "a", "client": {}}, "client.name is missing"),
        ("start_process", {"command": "a", "client": {"name": "x", "pdi": 1}}, "client has no parameter pdi"),
        ("start_process", {"command": "a\0b"}, "command must not contain a NUL character"),
        ("start_process", {"command": ["a", "\0"]}, "command[1] must not contain a NUL character"),
        ("start_process", {"command": "\ud800"}, "command must not contain a lone surrogate"),
        ("start_process", {"command": "a", "nmae": "x"}, "start_process has no parameter nmae"),
        ("start_process", {"command": "a", "n\n\x1b": "x"}, r"start_process has no parameter 'n\n\x1b'"),
        ("start_process", ["a"], "start_process takes its parameters by name, not by position"),
        ("start_process", "a", "the parameters of start_process must be an object, not text"),
        ("get_daemon_status", {"x": 1}, "get_daemon_status has no parameter x"),
        ("get_process_output", {"process": "w", "stream": "out"}, "stream must be one of combined, stdout, stderr"),
        (
            "get_process_output",
            {"process": "w", "stream": 1},
            "stream must be one of combined, stdout, stderr, not a number",
        ),
        ("get_process_output", {"process": True}, "process must be text or a whole number, not a boolean"),
        ("get_process_output", {"process": "w", "wait_seconds": math.inf}, "wait_seconds must be a finite number"),
        ("get_process_output", {"process": "w", "wait_seconds": math.nan}, "wait_seconds must be a finite number"),
        ("get_process_output", {"process": "w", "wait_seconds": 10**400}, "wait_seconds must be between 0 and 60"),
        ("get_process_output", {"process": "w", "wait_seconds": -0.1}, "wait_seconds must be between 0 and 60"),
    ],
)
def test_one_sentence_says_what_is_wrong(method: str, params: object, sentence: str) -> None:
    assert str(refused(method, params)) == sentence


def test_the_hint_names_the_nearest() -> None:
    assert refused("start_process", {"command": "a", "nmae": "x"}).hint == "did you mean name?"
    assert refused("get_process_output", {"process": "w", "format": "row"}).hint == "did you mean raw?"
    assert refused("start_process", {"command": "a", "qqq": "x"}).hint.startswith("its parameters are ")
    assert refused("start_process", ["a"]).hint.startswith("its parameters are ")
    assert refused("get_daemon_status", {"x": 1}).hint == "it takes none"


def test_a_program_is_told_the_parameter() -> None:
    assert refused("start_process", {"command": "a", "client": {"name": ""}}).data == {"parameter": "client.name"}


def test_a_value_is_never_shown() -> None:
    for value in ("s3cret\0", "s3cret\ud800", ["s3cret"], {"s3cret": 1}):
        error = refused("start_process", {"command": "a", "environment": {"TOKEN": value}})
        assert "s3cret" not in str(error.to_wire())


def test_a_huge_unknown_name_costs_nothing() -> None:
    begun = time.perf_counter()

    message = str(refused("start_process", {"command": "a", "x" * 900_000: 1}))

    assert len(message) < 200
    assert time.perf_counter() - begun < 2


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=70)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70) | st.floats(-5, 70).filter(lambda n: n % 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
CLIENTS = st.dictionaries(st.sampled_from(["name", "version", "pid", "directory", "x"]), TEXTS | st.integers(-1, 5))


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A method with parameters that fit now and then."""
    method = draw(st.sampled_from(list(METHODS.values())))
    properties: Any = json_schema(method.params)["properties"]
    names = st.sampled_from([*properties, "unknown"])
    return method.name, draw(st.dictionaries(names, VALUES | CLIENTS | st.sampled_from(["raw", "stdout", "group"])))


@given(calls())
def test_the_schema_says_the_same_as_the_validator(call: tuple[str, dict[str, Any]]) -> None:
    name, params = call
    fits = jsonschema.Draft7Validator(json_schema(METHODS[name].params)).is_valid(params)
    try:
        validate_params(METHODS[name], params)
    except InvalidParams:
        assert not fits
    else:
        assert fits
