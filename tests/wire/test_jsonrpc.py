"""JSON-RPC 2.0 as its specification says, byte by byte against a real daemon."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

import persistproc_core
from persistproc_core import protocol
from tests.kit import Daemon, RawConnection, eventually, is_alive

PING = {"jsonrpc": "2.0", "method": "get_daemon_status"}


def expect_error(reply: Any, number: int, code: str, identifier: object = None) -> None:
    assert set(reply) == {"jsonrpc", "error", "id"}
    assert reply["jsonrpc"] == "2.0"
    assert reply["id"] == identifier
    assert reply["error"]["code"] == number
    assert reply["error"]["data"]["error"] == code
    assert reply["error"]["message"]


def expect_usable(connection: RawConnection) -> None:
    """What came before left the connection in order: the next reply belongs to the next request."""
    connection.send({**PING, "id": "still here"})
    reply = connection.read()
    assert reply["id"] == "still here"
    assert reply["result"]["pid"] == connection.hello["pid"]


def test_hello_comes_first(shared_daemon: Daemon) -> None:
    with shared_daemon.connect() as connection:
        hello = connection.hello
        assert set(hello) >= {"protocol", "version", "pid", "instance"}
        assert hello["protocol"] == protocol.PROTOCOL_VERSION
        assert hello["version"] == persistproc_core.__version__
        assert is_alive(hello["pid"])
        assert hello["instance"]
        with shared_daemon.connect() as other:
            assert other.hello == hello


def test_another_life_of_the_daemon_is_another_instance(daemon: Daemon) -> None:
    with daemon.connect() as connection:
        first = connection.hello["instance"]
    daemon.kill()
    daemon.start()
    with daemon.connect() as connection:
        assert connection.hello["instance"] != first


@pytest.mark.parametrize(
    "line",
    [
        b'{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
        b"\xff\xfe",
        b'{"jsonrpc": "2.0", "method": "\xc3("}',
        b"NaN",
        b'{"jsonrpc": "2.0", "method": "get_daemon_status", "id": Infinity}',
        b"GET / HTTP/1.1",
        b"1" * 10_000,
        b"\x00",
        b'[{"jsonrpc": "2.0", "method": "get_daemon_status", "id": 1}, {"jsonrpc": "2.0", "method"]',
    ],
)
def test_parse_error(shared_daemon: Daemon, line: bytes) -> None:
    with shared_daemon.connect() as connection:
        connection.send_bytes(line + b"\n")
        expect_error(connection.read(), -32700, "parse_error")
        expect_usable(connection)


@pytest.mark.parametrize(
    "message",
    [
        [],
        1,
        "get_daemon_status",
        None,
        True,
        {},
        {"jsonrpc": "2.0"},
        {"jsonrpc": "2.0", "method": 1, "params": "bar"},
        {"jsonrpc": "2.0", "method": ["get_daemon_status"]},
        {"jsonrpc": "2.0", "method": {}, "id": 1},
        {"jsonrpc": "1.0", "method": "get_daemon_status", "id": None},
        {"method": "get_daemon_status"},
        {"jsonrpc": "2.0", "method": "get_daemon_status", "params": "bar"},
        {"jsonrpc": "2.0", "method": "get_daemon_status", "params": None},
        {"jsonrpc": "2.0", "method": "get_daemon_status", "id": {}},
        {"jsonrpc": "2.0", "method": "get_daemon_status", "id": [1]},
        {"jsonrpc": "2.0", "method": "get_daemon_status", "id": True},
        {"jsonrpc": "2.0", "result": 7, "id": None},
    ],
    ids=json.dumps,
)
def test_invalid_request(shared_daemon: Daemon, message: object) -> None:
    with shared_daemon.connect() as connection:
        connection.send(message)
        expect_error(connection.read(), -32600, "invalid_request")
        expect_usable(connection)


def test_method_not_found_tells_the_nearest(shared_daemon: Daemon) -> None:
    with shared_daemon.connect() as connection:
        error = connection.error("list_process", {})
        assert error["code"] == -32601
        assert error["data"]["error"] == "method_not_found"
        assert "list_processes" in error["data"]["hint"]
        assert connection.error("rpc.nothing")["code"] == -32601
        assert connection.error("__class__")["code"] == -32601
        expect_usable(connection)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("stop_process", None),
        ("stop_process", {}),
        ("stop_process", ["web"]),
        ("stop_process", {"process": "web", "proces": 1}),
        ("stop_process", {"process": 1.5}),
        ("stop_process", {"process": None}),
        ("stop_process", {"process": True}),
        ("stop_process", {"process": ""}),
        ("stop_process", {"process": "web", "grace_seconds": -1}),
        ("stop_process", {"process": "web", "grace_seconds": "10"}),
        ("stop_process", {"process": "web", "force": 1}),
        ("stop_process", {"process": "web", "client": {}}),
        ("stop_process", {"process": "web", "client": {"name": "x", "colour": "red"}}),
        ("start_process", {"command": []}),
        ("start_process", {"command": ["sleep", 1]}),
        ("start_process", {"command": "sleep 1", "environment": {"A": 1}}),
        ("start_process", {"command": "sleep 1", "name": "x" * 65}),
        ("start_process", {"command": ["a\0b"]}),
        ("start_process", {"command": "sleep 1", "umask": 0o1000}),
        ("get_process_output", {"process": "web", "format": "html"}),
        ("get_process_output", {"process": "web", "lines": 10_001}),
        ("get_daemon_status", {"verbose": True}),
    ],
)
def test_invalid_params(shared_daemon: Daemon, method: str, params: object) -> None:
    with shared_daemon.connect() as connection:
        error = connection.error(method, params)
        assert error["code"] == -32602
        assert error["data"]["error"] == "invalid_params"
        assert connection.call("list_processes")["processes"] == []


@pytest.mark.parametrize("params", [None, {}, []])
def test_no_parameters_can_be_said_in_three_ways(shared_daemon: Daemon, params: object) -> None:
    with shared_daemon.connect() as connection:
        assert connection.request("get_daemon_status", params)["result"]["pid"] == shared_daemon.pid


@pytest.mark.parametrize(
    "identifier", [0, 1, -7, 2**53 + 1, 1.5, "", "a", "\u20ac\U0001f600", "x" * 64, None], ids=repr
)
def test_ids_come_back_as_they_were(shared_daemon: Daemon, identifier: object) -> None:
    with shared_daemon.connect() as connection:
        connection.send({**PING, "id": identifier})
        reply = connection.read()
        assert reply["id"] == identifier
        assert type(reply["id"]) is type(identifier)
        assert reply["result"]["pid"] == shared_daemon.pid


@pytest.mark.parametrize(
    "message",
    [
        PING,
        {"jsonrpc": "2.0", "method": "no_such_method"},
        {"jsonrpc": "2.0", "method": "stop_process", "params": {"unknown": 1}},
        {"jsonrpc": "2.0", "method": "stop_process", "params": {"process": "nobody"}},
        [PING, {"jsonrpc": "2.0", "method": "no_such_method"}],
    ],
    ids=json.dumps,
)
def test_a_notification_is_never_answered(shared_daemon: Daemon, message: object) -> None:
    with shared_daemon.connect() as connection:
        connection.send(message)
        expect_usable(connection)
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.ended()


def test_a_notification_is_carried_out(daemon: Daemon) -> None:
    with daemon.connect() as connection:
        start = {"command": ["sleep", "1000"], "name": "quiet", "working_directory": daemon.home.path}
        connection.send({"jsonrpc": "2.0", "method": "start_process", "params": start})
        eventually(lambda: connection.call("list_processes", running=True)["processes"], what="quiet runs")


def test_batch(shared_daemon: Daemon) -> None:
    with shared_daemon.connect() as connection:
        connection.send(
            [
                {**PING, "id": 1},
                PING,
                {"jsonrpc": "2.0", "method": "no_such_method", "id": 2},
                1,
                {"foo": "boo"},
                {"jsonrpc": "2.0", "method": "list_processes", "id": "9"},
            ]
        )
        replies = connection.read()
        assert isinstance(replies, list)
        by_id = {json.dumps(reply["id"]): reply for reply in replies}
        assert len(replies) == 5
        assert by_id["1"]["result"]["pid"] == shared_daemon.pid
        expect_error(by_id["2"], -32601, "method_not_found", 2)
        assert by_id['"9"']["result"] == {"processes": []}
        assert [reply["error"]["code"] for reply in replies if reply["id"] is None] == [-32600, -32600]
        expect_usable(connection)


def test_a_batch_of_rubbish(shared_daemon: Daemon) -> None:
    with shared_daemon.connect() as connection:
        connection.send([1, 2, 3])
        replies = connection.read()
        assert len(replies) == 3
        for reply in replies:
            expect_error(reply, -32600, "invalid_request")


def test_the_largest_batch_and_one_more(shared_daemon: Daemon) -> None:
    with shared_daemon.connect() as connection:
        connection.send([{**PING, "id": number} for number in range(protocol.MAX_BATCH)])
        assert sorted(reply["id"] for reply in connection.read()) == list(range(protocol.MAX_BATCH))

        connection.send([{**PING, "id": number} for number in range(protocol.MAX_BATCH + 1)])
        expect_error(connection.read(), -32600, "invalid_request")
        expect_usable(connection)


def test_requests_may_be_sent_without_waiting(shared_daemon: Daemon) -> None:
    count = 5 * protocol.MAX_IN_FLIGHT
    with shared_daemon.connect() as connection:
        connection.send_bytes(b"".join(json.dumps({**PING, "id": n}).encode() + b"\n" for n in range(count)))
        assert sorted(connection.read()["id"] for _ in range(count)) == list(range(count))


def test_lines_may_arrive_in_any_pieces(shared_daemon: Daemon) -> None:
    line = json.dumps({**PING, "id": 1}).encode()
    with shared_daemon.connect() as connection:
        for byte in line + b"\r\n\n\r\n":
            connection.send_bytes(bytes([byte]))
        assert connection.read()["id"] == 1
        expect_usable(connection)
