"""Hello, requests and replies, and what happens when the other side is old, new, slow, lying or gone."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator

import pytest

from persistproc_core.client import wire
from persistproc_core.errors import (
    DaemonUnavailable,
    InternalError,
    InvalidParams,
    InvalidRequest,
    ParseError,
    PersistprocError,
    ProcessNotFound,
    ShuttingDown,
    UnsafeHome,
    VersionMismatch,
)
from persistproc_core.paths import Home
from tests.client.conftest import Call, Session
from tests.client.line_server import HELLO, LineServer, Peer, answer, echo, line_server

LIST: Call = ("list_processes", {})
STOP: Call = ("stop_process", {"process": "web"})


def read_and_close(peer: Peer) -> None:
    peer.greet()
    peer.request()


def stay_silent(peer: Peer) -> None:
    peer.greet()
    peer.request()
    peer.wait_closed()


# --- the hello ------------------------------------------------------------------------------------------------------


def test_the_hello_is_told(home: Home, session: Session) -> None:
    with line_server(home.socket, answer):
        assert session(home) == [HELLO]


def test_a_hello_with_more_or_less_in_it(home: Home, session: Session) -> None:
    with line_server(home.socket, lambda peer: peer.greet(pid="many", version=None, later={"x": 1})):
        assert session(home) == [{**HELLO, "pid": 0, "version": "None"}]


@pytest.mark.parametrize(("theirs", "upgrade"), [(2, "upgrade the client"), (0, "upgrade the daemon")])
def test_another_protocol_version(home: Home, session: Session, theirs: int, upgrade: str) -> None:
    with line_server(home.socket, lambda peer: peer.greet(protocol=theirs, oldest_protocol=theirs)) as server:
        (error,) = session(home)

    assert isinstance(error, VersionMismatch)
    assert upgrade in error.message
    assert f"protocol {theirs}" in error.message
    assert "9.9" in error.message
    assert error.hint
    # Whoever has to end that daemon can.
    daemon = error.data["daemon"]
    assert isinstance(daemon, dict)
    assert daemon["pid"] == HELLO["pid"]
    assert server.seen == []


def newer(peer: Peer) -> None:
    """A daemon of protocol 2 that still serves clients of protocol 1."""
    peer.greet(protocol=2)
    while True:
        request = peer.request()
        peer.reply(request, request["params"])


def test_a_newer_daemon_that_knows_our_protocol(home: Home, session: Session) -> None:
    with line_server(home.socket, newer):
        hello, listed = session(home, ("list_processes", {"client": {"name": "x"}, "working_directory": "/"}))

    assert (hello["protocol"], hello["oldest_protocol"]) == (2, 1)
    assert listed == {"client": {"name": "x"}, "working_directory": "/"}


def unknown(peer: Peer) -> None:
    """A daemon of a protocol that nobody knows here; it answers all the same."""
    peer.greet(protocol=9, oldest_protocol=8)
    while True:
        request = peer.request()
        peer.reply(request, request["params"])


def test_a_client_for_any_protocol(home: Home, session: Session) -> None:
    for_ever: list[Call] = [("get_daemon_status", {}), ("replace_daemon", {}), ("shutdown_daemon", {})]
    with line_server(home.socket, unknown) as server:
        hello, refused, *replies = session(home, LIST, *for_ever, any_protocol=True)

    assert hello["protocol"] == 9
    assert isinstance(refused, VersionMismatch)
    # Without who asks: of other versions only the methods themselves are known to keep their form.
    assert replies == [{}, {}, {}]
    assert [request["method"] for request in server.seen] == [method for method, _ in for_ever]


def refuse_once(peer: Peer) -> None:
    """A daemon that is being replaced: it reads one more request and does nothing."""
    peer.greet()
    request = peer.request()
    again = {"error": "shutting_down", "again": True}
    peer.send({"jsonrpc": "2.0", "id": request["id"], "error": {"code": 11, "message": "...", "data": again}})


@pytest.mark.parametrize("method", ["stop_process", "list_processes"])
def test_what_a_replaced_daemon_has_not_begun_is_asked_again(home: Home, session: Session, method: str) -> None:
    with line_server(home.socket, refuse_once, refuse_once, echo) as server:
        _, reply = session(home, (method, {"process": "web"}))

    assert reply["process"] == "web"
    assert [request["method"] for request in server.seen] == [method] * 3


def test_a_daemon_that_is_shut_down_is_not_asked_again(home: Home, session: Session) -> None:
    def refuse(peer: Peer) -> None:
        peer.greet()
        request = peer.request()
        error = {"code": 11, "message": "about to end", "data": {"error": "shutting_down"}}
        peer.send({"jsonrpc": "2.0", "id": request["id"], "error": error})

    with line_server(home.socket, refuse) as server:
        _, error = session(home, STOP)

    assert isinstance(error, ShuttingDown)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "first",
    [b"HTTP/1.1 400 Bad Request\r\n", b"{}\n", b"[]\n", b'{"method":"hello"}\n', b"\xff\n", b"[" * 5000 + b"\n"],
)
def test_something_else_answers(home: Home, session: Session, first: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.sock.sendall(first)
        peer.wait_closed()

    with line_server(home.socket, script):
        (error,) = session(home)
    assert isinstance(error, DaemonUnavailable)
    assert "what answers on the socket" in error.message


def test_no_hello_comes(home: Home, session: Session) -> None:
    with line_server(home.socket, lambda peer: peer.wait_closed()):
        (error,) = session(home, timeout=0.2)
    assert isinstance(error, DaemonUnavailable)
    assert error.message == "the daemon does not answer"


def test_it_ends_before_the_hello(home: Home, session: Session) -> None:
    with line_server(home.socket, lambda peer: None):
        (error,) = session(home, autostart=False)
    assert isinstance(error, DaemonUnavailable)
    assert error.hint == "run: persistproc daemon start"


# --- connecting -----------------------------------------------------------------------------------------------------


def test_no_daemon_and_none_may_be_started(home: Home, session: Session) -> None:
    (error,) = session(home, autostart=False)

    assert isinstance(error, DaemonUnavailable)
    assert error.message == f"no persistproc daemon runs in {home.path}"
    assert error.hint == "run: persistproc daemon start"
    assert os.listdir(home.path) == []


def test_a_socket_that_a_dead_daemon_left_behind(home: Home, session: Session) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(home.socket)
    (error,) = session(home, autostart=False)
    assert isinstance(error, DaemonUnavailable)


def test_an_unsafe_home_is_not_connected_to(home: Home, session: Session) -> None:
    with line_server(home.socket, answer) as server:
        os.chmod(home.path, 0o777)
        (error,) = session(home)
    assert isinstance(error, UnsafeHome)
    assert server.connections == 0


def test_something_is_in_the_way_of_the_socket(home: Home, session: Session) -> None:
    os.symlink("sock", home.socket)  # a loop
    (error,) = session(home)
    assert isinstance(error, DaemonUnavailable)
    assert error.message.startswith(f"cannot connect to {home.socket}")


@contextlib.contextmanager
def full_queue(listener: socket.socket, path: str) -> Iterator[None]:
    """While it lasts, nobody can connect."""
    listener.bind(path)
    listener.listen(0)
    with contextlib.ExitStack() as waiting:
        while True:
            one = waiting.enter_context(socket.socket(socket.AF_UNIX))
            one.setblocking(False)
            try:
                one.connect(path)
            except BlockingIOError:
                break
        yield


def test_a_listen_queue_that_stays_full(home: Home, session: Session) -> None:
    with socket.socket(socket.AF_UNIX) as listener, full_queue(listener, home.socket):
        (error,) = session(home, timeout=0.1)
    assert isinstance(error, DaemonUnavailable)
    assert error.message == "the daemon is there but accepts no connection"


def test_a_full_listen_queue_is_waited_for(home: Home, session: Session) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        with full_queue(listener, home.socket):
            # What waits in the queue stays there although its client leaves, until it is accepted.
            pass
        with LineServer(listener, answer):
            assert session(home) == [HELLO]


# --- requests and replies -------------------------------------------------------------------------------------------


def test_the_caller_is_filled_in(home: Home, session: Session) -> None:
    calls: list[Call] = [LIST, ("get_daemon_status", {}), ("shutdown_daemon", {}), ("rpc.discover", {})]
    with line_server(home.socket, echo):
        _, *params = session(home, *calls, name="me", version="7", working_directory="/where")

    client = {"name": "me", "version": "7", "pid": os.getpid(), "directory": "/where"}
    assert params == [{"client": client, "working_directory": "/where"}, {}, {"client": client}, {}]


def test_what_the_caller_says_is_kept(home: Home, session: Session) -> None:
    said = {"process": "web", "client": {"name": "other"}, "working_directory": "/there"}
    with line_server(home.socket, echo):
        assert session(home, ("stop_process", said))[1] == said


def test_all_calls_use_one_connection(home: Home, session: Session) -> None:
    with line_server(home.socket, answer) as server:
        outcomes = session(home, LIST, STOP, LIST)
    assert [reply["id"] for reply in outcomes[1:]] == [1, 2, 3]
    assert server.connections == 1


@pytest.mark.parametrize("seconds", [1e300, 10**400, -5, True, "soon", None])
def test_what_a_wait_may_be_is_for_the_daemon_to_say(home: Home, session: Session, seconds: object) -> None:
    with line_server(home.socket, echo):
        reply = session(home, ("wait_for_process", {"process": "web", "timeout_seconds": seconds}))[1]
    assert reply["timeout_seconds"] == seconds


def test_what_is_no_reply_to_us_is_ignored(home: Home, session: Session) -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        request = peer.request()
        peer.send({"jsonrpc": "2.0", "method": "of_a_later_version", "params": {"id": request["id"]}})
        peer.send({"jsonrpc": "2.0", "id": 4711, "result": "somebody else's"})
        peer.send(["a batch"])
        peer.sock.sendall(b"\r\n\n")
        peer.reply(request, "ours")
        peer.wait_closed()

    with line_server(home.socket, script):
        assert session(home, LIST)[1] == "ours"


def test_a_reply_of_many_chunks(home: Home, session: Session) -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.reply(peer.request(), "x" * 3_000_000)

    with line_server(home.socket, script):
        assert session(home, LIST)[1] == "x" * 3_000_000


def test_errors_are_typed_and_the_connection_goes_on(home: Home, session: Session) -> None:
    wanted = ProcessNotFound("no process web", hint="see list", data={"candidates": ["api"]})

    def script(peer: Peer) -> None:
        peer.greet()
        peer.send({"jsonrpc": "2.0", "id": peer.request()["id"], "error": wanted.to_wire()})
        peer.send({"jsonrpc": "2.0", "id": peer.request()["id"]})
        peer.reply(peer.request(), None)

    with line_server(home.socket, script) as server:
        _, error, nothing, null = session(home, STOP, STOP, LIST)
    assert type(error) is ProcessNotFound
    assert (error.message, error.hint, error.data) == (wanted.message, wanted.hint, wanted.data)
    assert type(nothing) is InternalError
    assert null is None
    assert server.connections == 1


def test_an_error_without_an_id_is_ours_and_ends_the_connection(home: Home, session: Session) -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.request()
        peer.send({"jsonrpc": "2.0", "id": None, "error": ParseError("not JSON").to_wire()})
        peer.wait_closed()

    with line_server(home.socket, script, answer) as server:
        _, error, reply = session(home, STOP, LIST)
    assert type(error) is ParseError
    assert reply["method"] == "list_processes"
    assert server.connections == 2


@pytest.mark.parametrize(
    ("params", "cls"),
    [({"input": "x" * 1_100_000}, InvalidRequest), ({"input": b"bytes"}, InvalidParams), ({"n": 1e999}, InvalidParams)],
)
def test_what_cannot_be_sent_is_refused_here(
    home: Home, session: Session, params: dict[str, object], cls: type[PersistprocError]
) -> None:
    with line_server(home.socket, answer) as server:
        _, error, _ = session(home, ("send_process_input", params), LIST)
    assert type(error) is cls
    assert [request["method"] for request in server.seen] == ["list_processes"]


# --- losing the connection ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", sorted(wire.READS))
def test_what_only_reads_is_asked_again(home: Home, session: Session, method: str) -> None:
    with line_server(home.socket, read_and_close, answer) as server:
        assert session(home, (method, {}))[1]["method"] == method
    assert len(server.seen) == 2


def test_once(home: Home, session: Session) -> None:
    with line_server(home.socket, read_and_close) as server:
        error = session(home, LIST)[1]
    assert isinstance(error, DaemonUnavailable)
    assert error.message == "the connection to the daemon was lost during list_processes"
    assert len(server.seen) == 2


def test_what_acts_is_not_done_twice(home: Home, session: Session) -> None:
    with line_server(home.socket, read_and_close, answer) as server:
        error = session(home, STOP)[1]
    assert isinstance(error, DaemonUnavailable)
    assert "may or may not have been done" in error.message
    assert len(server.seen) == 1


def test_a_wait_that_is_asked_again_is_shorter_by_what_has_passed(home: Home, session: Session) -> None:
    with line_server(home.socket, read_and_close, echo):
        params = session(home, ("wait_for_process", {"process": "web", "timeout_seconds": 50}))[1]
    assert 40 < params["timeout_seconds"] < 50


def test_a_connection_that_was_closed_while_idle_is_replaced_before_it_is_used(home: Home, session: Session) -> None:
    closed = threading.Event()

    def one_reply(peer: Peer) -> None:
        peer.greet()
        request = peer.request()
        # Both at once, so that the client cannot ask before it is closed.
        peer.reply(request, "last words")
        peer.sock.shutdown(socket.SHUT_RDWR)
        closed.set()

    with line_server(home.socket, one_reply, answer) as server:
        _, first, second = session(home, LIST, ("get_daemon_status", {}))
        assert closed.wait(5)
    assert first == "last words"
    assert second["method"] == "get_daemon_status"
    assert server.connections == 2


def test_no_reply_comes(home: Home, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "REPLY_SECONDS", 0.1)
    with line_server(home.socket, stay_silent, answer) as server:
        _, error, reply = session(home, ("list_processes", {"grace_seconds": 0}), LIST)
    assert isinstance(error, DaemonUnavailable)
    assert error.message == "the daemon has not answered list_processes within 0.1 s"
    assert reply["method"] == "list_processes"
    assert server.connections == 2


def test_after_the_shutdown_no_old_connection_is_used(home: Home, session: Session) -> None:
    with line_server(home.socket, answer) as server:
        session(home, ("shutdown_daemon", {}), STOP)
    assert server.connections == 2
