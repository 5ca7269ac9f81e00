"""The declaration: complete, consistent, and what the client repeats of it."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from persistproc_core import errors, protocol
from persistproc_core.client import wire
from persistproc_core.client.aio import AsyncClient
from persistproc_core.client.sync import Client
from persistproc_core.protocol import METHODS, Method, method_named
from persistproc_core.validation import fields

VOCABULARY = {
    "start_process",
    "stop_process",
    "restart_process",
    "list_processes",
    "get_process_status",
    "get_process_output",
    "get_process_log_paths",
    "wait_for_process",
    "send_process_input",
    "signal_process",
    "protect_process",
    "remove_process",
    "follow_process_output",
    "watch_processes",
    "get_news",
    "cancel_subscription",
    "set_mark",
    "list_marks",
    "resize_terminal",
    "capture_process",
    "prune_processes",
    "get_daemon_status",
    "shutdown_daemon",
    "rpc.discover",
}

each_method = pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))


def test_the_vocabulary() -> None:
    assert set(METHODS) >= VOCABULARY


@each_method
def test_every_parameter_is_described(method: Method) -> None:
    assert method.summary.endswith(".")
    for name, field in fields(method.params).items():
        assert field.text.strip(), f"{method.name}: {name}"


@each_method
def test_every_error_is_declared_once(method: Method) -> None:
    assert len(set(method.errors)) == len(method.errors)
    assert set(method.errors) <= set(errors.error_classes())


def test_a_misspelt_method_names_the_nearest() -> None:
    with pytest.raises(errors.MethodNotFound) as raised:
        method_named("stat_process")
    assert raised.value.hint == "did you mean start_process?"
    with pytest.raises(errors.MethodNotFound) as raised:
        method_named("x" * 100_000)
    assert "rpc.discover" in raised.value.hint


def test_pids_fit_where_a_process_is_named() -> None:
    # PID_MAX_LIMIT is 2**22 on 64-bit Linux (proc(5), pid_max).
    most = fields(protocol.TargetParams)["process"].allowed.most
    assert most is not None
    assert most >= 2**22


# --- what the client repeats, because it must not load the declaration -----------------------------------------------


def test_the_client_speaks_this_protocol() -> None:
    assert wire.PROTOCOL == protocol.PROTOCOL_VERSION


@each_method
def test_the_client_knows_what_to_fill_in(method: Method) -> None:
    takes = {name for name in wire.FILLED if name in fields(method.params)}

    assert set(wire.FILLED_BY_METHOD.get(method.name, wire.FILLED)) == takes


def test_the_client_asks_again_only_for_what_changes_nothing() -> None:
    changing = {"start", "stop", "restart", "send", "signal", "remove", "shutdown", "set", "resize", "capture", "prune"}
    changing |= {"protect", "configure", "replace", "adopt"}

    assert {name for name in METHODS if name.split("_")[0] not in changing} - wire.SUBSCRIBES == wire.READS


def test_the_waits_that_the_client_knows_are_parameters() -> None:
    for waiting, (parameter, _) in wire.WAITS.items():
        assert parameter in fields(METHODS[waiting].params)


@each_method
def test_no_call_is_cut_before_the_time_that_it_asks_for(method: Method) -> None:
    for name in {"timeout_seconds", "wait_seconds", "grace_seconds"}.intersection(fields(method.params)):
        assert wire.reply_seconds(method.name, {name: 3000.0}) >= 3000.0 + wire.REPLY_SECONDS


@pytest.mark.parametrize("client", [Client, AsyncClient])
@each_method
def test_every_method_has_a_typed_method(method: Method, client: type) -> None:
    if method.name == "cancel_subscription":
        return  # closing what the other two return does it
    name = "discover" if method.name == "rpc.discover" else method.name
    typed = getattr(client, name)

    # Not evaluated: the names are there for type checkers alone.
    annotations: dict[str, Any] = inspect.get_annotations(typed)
    if fields(method.params):
        assert annotations["params"] == f"Unpack[protocol.{method.params.__name__}]"
    else:
        assert "params" not in annotations
    returned = annotations["return"].removeprefix("Async").removeprefix("protocol.")
    if method.name in wire.SUBSCRIBES:
        assert returned == f"Subscription[protocol.{method.result.__name__}]"
    else:
        assert returned in (method.result.__name__, "dict[str, object]")
    assert typed.__doc__


def test_what_the_client_fills_in_of_itself_is_what_the_protocol_takes() -> None:
    filled = wire.Caller("me", "1", "/").fill("start_process", {})

    assert set(filled) == set(wire.FILLED)
    client = filled["client"]
    assert isinstance(client, dict)
    assert set(client) == set(fields(protocol.ClientInfo)) - {"session"}, "one program is one conversation here"
