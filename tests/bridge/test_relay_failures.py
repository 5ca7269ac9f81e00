"""The relay beside bridges that die, refuse and stutter: what it sends again, and what it tells instead."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from persistproc_core.paths import Home
from tests.bridge.relay import Relay, modern, text_of

Script = Callable[["Peer"], None]


class Peer:
    """One accepted connection, whose request has been read."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        data = b""
        while b"\r\n\r\n" not in data:
            data += sock.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        self.head = head.decode()
        length = next(int(line[15:]) for line in self.head.splitlines() if line.startswith("Content-Length:"))
        while len(body) < length:
            body += sock.recv(65536)
        self.message: dict[str, Any] = json.loads(body)

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def closed(self) -> bool:
        return self._sock.recv(1) == b""


@contextlib.contextmanager
def bridge_of(home: Home, *scripts: Script) -> Iterator[list[Peer]]:
    """Listens where a bridge would, and serves one connection after the other by these scripts."""
    seen: list[Peer] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(home.bridge_socket)
        listener.listen(8)
        listener.settimeout(20)

        def serve() -> None:
            for script in scripts:
                with contextlib.suppress(OSError), listener.accept()[0] as sock:
                    seen.append(Peer(sock))
                    script(seen[-1])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield seen
        thread.join(20)
        assert not thread.is_alive()


def dies(peer: Peer) -> None:
    """Has read the request, and ends without a word."""


def dies_in_the_middle(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n40\r\ndata: {")


def result(peer: Peer, text: str = "well") -> bytes:
    reply = {"jsonrpc": "2.0", "id": peer.message["id"], "result": {"content": [{"type": "text", "text": text}]}}
    return json.dumps(reply).encode()


def respond(peer: Peer, status: bytes, body: bytes) -> None:
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    peer.send(head % (status, len(body)) + body)


def answers(peer: Peer) -> None:
    respond(peer, b"200 OK", result(peer))


def streams(peer: Peer) -> None:
    """A notification and the reply as events, cut into chunks in the middle of things."""
    progress = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}
    events = b": ping\r\n\r\ndata: " + json.dumps(progress).encode() + b"\r\n\r\ndata: " + result(peer) + b"\r\n\r\n"
    peer.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    for begin in range(0, len(events), 7):
        piece = events[begin : begin + 7]
        peer.send(b"%x;extension\r\n" % len(piece) + piece + b"\r\n")
    peer.send(b"0\r\n\r\n")


@pytest.fixture
def in_home(home: Home, tmp_path: Path) -> Callable[..., contextlib.AbstractContextManager[tuple[Relay, list[Peer]]]]:
    """A relay beside a bridge of scripts."""

    @contextlib.contextmanager
    def make(*scripts: Script) -> Iterator[tuple[Relay, list[Peer]]]:
        with bridge_of(home, *scripts) as seen, Relay(home, tmp_path) as relay:
            yield relay, seen

    return make


Beside = Callable[..., contextlib.AbstractContextManager[tuple[Relay, list[Peer]]]]


def test_a_call_that_only_reads_is_made_again(in_home: Beside) -> None:
    with in_home(dies, dies_in_the_middle, answers) as (relay, seen):
        assert text_of(relay.call("list_processes")) == "well"
        assert [peer.message for peer in seen] == [seen[0].message] * 3


def test_a_call_that_changes_something_is_not(in_home: Beside) -> None:
    with in_home(dies, answers) as (relay, seen):
        reply = relay.call("start_process", command="make")
        assert reply["result"]["isError"] is True
        assert "may or may not have been done. Call list_processes" in text_of(reply)
        # The session goes on.
        assert text_of(relay.call("start_process", command="make")) == "well"
        assert len(seen) == 2


def test_it_is_told_in_the_words_of_the_newest_version(in_home: Beside) -> None:
    with in_home(dies) as (relay, seen):
        reply = relay.ask("tools/call", modern(name="stop_process", arguments={}))
        assert reply["result"]["resultType"] == "complete"
        assert "Mcp-Name: stop_process" in seen[0].head.splitlines()


def test_a_bridge_that_dies_again_and_again(in_home: Beside) -> None:
    with in_home(dies, dies, dies, dies) as (relay, _):
        assert "restarted while tools/list was under way" in relay.ask("tools/list")["error"]["message"]


def test_events_are_passed_on_as_they_come(in_home: Beside) -> None:
    with in_home(streams) as (relay, _):
        assert text_of(relay.call("start_process", command="make")) == "well"
        assert relay.notifications == [
            {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}
        ]


def test_a_refusal_says_why(in_home: Beside) -> None:
    def refuses(peer: Peer) -> None:
        body = b'{"error":{"code":"too_busy","message":"Too many connections.","hint":"Close some."}}'
        peer.send(
            b"HTTP/1.1 503 Busy\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )

    def speaks_otherwise(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 404 Not Found\r\n\r\nnothing here")

    def denies(peer: Peer) -> None:
        body = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32020,"message":"header mismatch"}}'
        peer.send(
            b"HTTP/1.1 400 Bad\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )

    with in_home(refuses, speaks_otherwise, denies) as (relay, _):
        assert text_of(relay.call("list_processes")).endswith("Too many connections. Close some.")
        assert relay.ask("tools/list")["error"]["message"].endswith("HTTP status 404")
        assert relay.ask("tools/list")["error"] == {"code": -32020, "message": "header mismatch"}


def test_cancelling_closes_the_connection(in_home: Beside) -> None:
    asked, gone = threading.Event(), threading.Event()

    def hangs(peer: Peer) -> None:
        asked.set()
        assert peer.closed()
        gone.set()

    with in_home(hangs, answers) as (relay, _):
        request = relay.send("tools/call", {"name": "wait_for_process", "arguments": {"process": "web"}})
        assert asked.wait(10)
        relay.notify("notifications/cancelled", requestId=str(request))  # another id
        relay.notify("notifications/cancelled", requestId=request)
        assert gone.wait(10)
        assert text_of(relay.call("list_processes")) == "well"
        assert not relay.has_reply(request)


def test_what_is_under_way_ends_with_standard_input(in_home: Beside, home: Home, tmp_path: Path) -> None:
    asked = threading.Event()

    def hangs(peer: Peer) -> None:
        asked.set()
        assert peer.closed()

    with in_home(hangs) as (relay, _), Relay(home, tmp_path) as idle:
        relay.send("subscriptions/listen", modern(notifications={}))
        assert asked.wait(10)
        assert relay.end_beside(idle) == 0


def test_bad_lines_are_answered_and_end_nothing(in_home: Beside) -> None:
    with in_home(answers) as (relay, _):
        for line in (b"nonsense", b'[{"jsonrpc":"2.0"}]', b'{"method":"x","id":1}', b'{"jsonrpc":"2.0","method":1}'):
            relay.write(line)
        relay.write(b'{"jsonrpc":"2.0","id":[],"method":"tools/list"}')
        relay.write(b"[" * 100 + b"]" * 100)
        relay.write(b'{"jsonrpc":"2.0","id":9,"method":"' + b"x" * 1024 * 1024 + b'"}')
        relay.write(b'{"jsonrpc":"2.0","id":77,"result":{}}')
        assert text_of(relay.call("list_processes")) == "well"
        assert [each["error"]["code"] for each in relay.unasked] == [-32700] + 6 * [-32600]


def test_a_home_that_others_may_write_to(home: Home, tmp_path: Path) -> None:
    Path(home.path).chmod(0o777)
    with Relay(home, tmp_path) as relay:
        assert relay.child.wait(10) == 78
        assert relay.child.stderr is not None
        assert b"chmod 700" in relay.child.stderr.read()
