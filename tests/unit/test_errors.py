"""Errors to the wire and back."""

from __future__ import annotations

import json
import re

import pytest

from persistproc_core import errors
from persistproc_core.errors import PersistprocError, ProcessNotFound, error_classes, error_from_wire

JSON_RPC = {"ParseError": -32700, "InvalidRequest": -32600, "MethodNotFound": -32601, "InvalidParams": -32602}


@pytest.mark.parametrize("cls", error_classes(), ids=lambda cls: cls.code)
def test_an_error_comes_back_as_it_was_sent(cls: type[PersistprocError]) -> None:
    sent = cls("no process web", hint="see list", data={"candidates": ["api"]})

    received = error_from_wire(json.loads(json.dumps(sent.to_wire())))

    assert type(received) is cls
    assert (received.message, received.hint, received.data) == (sent.message, sent.hint, sent.data)


def test_codes_and_numbers_are_unique() -> None:
    classes = error_classes()
    assert len({cls.code for cls in classes}) == len({cls.rpc_code for cls in classes}) == len(classes)


def test_codes_are_words_and_say_what_the_class_says() -> None:
    for cls in error_classes():
        assert cls.code == re.sub("(?<!^)([A-Z])", r"_\1", cls.__name__).lower()


def test_every_error_is_documented_and_public() -> None:
    for cls in error_classes():
        assert cls.__doc__
        assert cls.__name__ in errors.__all__


def test_the_numbers_of_json_rpc() -> None:
    assert {name: getattr(errors, name).rpc_code for name in JSON_RPC} == JSON_RPC
    assert errors.InternalError.rpc_code == -32603


def test_exit_codes_are_those_of_an_ended_program() -> None:
    for cls in error_classes():
        assert 1 <= cls("it failed").exit_code <= 127, "a shell gives more a meaning of its own: a signal"


@pytest.mark.parametrize(
    ("wire", "cls"),
    [
        ({"code": -32601, "message": "no"}, errors.MethodNotFound),
        ({"code": 1, "message": "no", "data": None}, ProcessNotFound),
        ({"code": 1, "message": "no", "data": {"error": "of_a_later_version"}}, PersistprocError),
        ({"code": 4711, "message": "no"}, PersistprocError),
        ({"message": None, "data": [1]}, PersistprocError),
        ({}, PersistprocError),
    ],
)
def test_an_error_of_another_version_or_program_is_still_an_error(
    wire: dict[str, object], cls: type[PersistprocError]
) -> None:
    assert type(error_from_wire(wire)) is cls


def test_the_text_is_the_message() -> None:
    assert str(ProcessNotFound("no process web", hint="see list")) == "no process web"
    assert ProcessNotFound("no process web").to_wire() == {
        "code": 1,
        "message": "no process web",
        "data": {"error": "process_not_found"},
    }
