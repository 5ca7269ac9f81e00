"""The guard in front of an application: deadlines, limits, tokens, and what every answer carries."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from starlette.types import Receive, Scope, Send

from persistproc_core.framing import MAX_DEPTH
from persistproc_core.paths import Home
from persistproc_mcp import log
from persistproc_mcp.guard import limits
from persistproc_mcp.guard.gate import Gate
from persistproc_mcp.guard.peer import Peer
from persistproc_mcp.settings import Settings
from tests.bridge.guard.server import Served, read_all, read_one, serve
from tests.kit import eventually

JSON = "Content-Type: application/json"
SHORT = 0.2
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the port needs a token")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serve(tmp_path) as served:
        yield served


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def test_the_body_reaches_the_application_whole(served: Served) -> None:
    answer = served.ask("/", JSON, "Content-Length: 4", body=b'"hi"', method="POST")
    assert status(answer) == 200
    assert answer.endswith(b'body: "hi"')
    chunks = b'2\r\n"h\r\n2\r\ni"\r\n0\r\n\r\n'
    assert served.ask("/", JSON, "Transfer-Encoding: chunked", body=chunks, method="POST").endswith(b'body: "hi"')


def test_what_every_answer_carries(served: Served) -> None:
    headers = served.ask().lower().split(b"\r\n\r\n")[0]
    for line in (
        b"x-content-type-options: nosniff",
        b"cache-control: no-store",
        b"cross-origin-resource-policy: same-origin",
        b"frame-ancestors 'none'",
        b"script-src 'self'",
    ):
        assert line in headers
    assert b"access-control" not in headers, "no page of another origin may read an answer, whatever a route says"
    assert b"script-src" not in served.ask("/", "Origin: http://evil.com").lower()


def test_the_largest_body(served: Served) -> None:
    for size, expected in ((limits.MAX_BODY_BYTES, 200), (limits.MAX_BODY_BYTES + 1, 413)):
        body = b'"' + b"x" * (size - 2) + b'"'
        assert status(served.ask("/", JSON, f"Content-Length: {size}", body=body, method="POST")) == expected
    # Nobody says how long chunks are in all.
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    assert status(served.ask("/", JSON, "Transfer-Encoding: chunked", body=chunk * 17, method="POST")) == 413
    assert served.paths == ["/"]


@pytest.mark.parametrize(("depth", "expected"), [(MAX_DEPTH, 200), (MAX_DEPTH + 1, 400), (100_000, 400)])
def test_the_deepest_body(served: Served, depth: int, expected: int) -> None:
    body = b"[" * depth + b"]" * depth
    answer = served.ask("/", JSON, f"Content-Length: {len(body)}", body=body, method="POST")
    assert status(answer) == expected
    text = b'"' + b"[" * 1000 + b'"'
    assert status(served.ask("/", JSON, f"Content-Length: {len(text)}", body=text, method="POST")) == 200


@pytest.mark.parametrize("sent", ["", "G", "GET / HTTP/1.1\r\nHost: localhost"])
def test_a_head_that_does_not_end(sent: str, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", SHORT)
    with served.connect() as connection:
        connection.sendall(sent.encode())
        assert status(read_all(connection)) == 408
    assert served.paths == []


def test_a_head_in_drops(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each byte in time, all of them too late: the deadline is not begun anew.
    monkeypatch.setattr(limits, "HEAD_SECONDS", SHORT)
    with served.connect() as connection:
        connection.settimeout(SHORT / 10)
        answer = b""
        for _ in range(1000):
            with contextlib.suppress(TimeoutError):
                answer += connection.recv(4096)
            if answer:
                break
            connection.sendall(b"x")
        assert status(answer) == 408


def test_a_second_head_that_does_not_end(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", SHORT)
    with served.connect() as connection:
        connection.sendall(served.head() + b"GET / HT")
        answer = read_all(connection)
    assert answer.count(b"HTTP/1.1 200 ") == 1
    assert answer.count(b"HTTP/1.1 408 ") == 1


def test_between_two_requests_there_is_time(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", SHORT)
    with served.connect() as connection:
        for _ in range(2):
            connection.sendall(served.head())
            assert status(read_one(connection)) == 200
            connection.settimeout(SHORT * 2)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            connection.settimeout(10)


def test_a_body_that_does_not_end(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", SHORT)
    answer = served.ask("/", JSON, "Content-Length: 9", body=b"{", method="POST")
    assert status(answer) == 408
    assert served.paths == []


def test_a_client_that_reads_nothing(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STALLED_SECONDS", SHORT)
    with served.connect() as connection:
        connection.sendall(served.head("/flood"))
        eventually(lambda: served.ended == ["/flood"], what="the flood has ended")


def slow_client(served: Served, path: str) -> socket.socket:
    """Asks for an answer; the kernel keeps little of it here."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(10)
    client.connect(("127.0.0.1", served.port))
    client.sendall(served.head(path, "Connection: close"))
    return client


def test_the_end_of_an_answer_that_is_not_read_keeps_no_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Less than what a protocol is told of by itself (64 KiB), and complete: to close it is to wait for its reader.
    monkeypatch.setattr(limits, "STALLED_SECONDS", SHORT)
    monkeypatch.setattr(limits, "MAX_CONNECTIONS", 1)
    with serve(tmp_path, send_buffer=8192) as served, slow_client(served, "/page"):
        eventually(lambda: served.ended == ["/page"])
        eventually(lambda: status(served.ask()) == 200, what="its place is free")


def test_a_slow_reader_is_not_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STALLED_SECONDS", SHORT)
    with serve(tmp_path, send_buffer=8192) as served, slow_client(served, "/page") as client:
        began, got = time.monotonic(), b""
        # A part in each of the spans in which one must be read, over several of them.
        while part := client.recv(5000):
            got += part
            threading.Event().wait(SHORT / 4)
        assert time.monotonic() - began > 2 * SHORT
        assert b" body: " in got


def test_a_client_that_goes_away_ends_its_request(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(served.head("/wait"))
        assert connection.recv(1) == b"H"
    eventually(lambda: served.ended == ["/wait"])


def test_too_many_connections(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CONNECTIONS", 2)
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(served.connect()) for _ in range(2)]
        for connection in held:
            connection.sendall(served.head())
            assert status(read_one(connection)) == 200
        with served.connect() as third:
            answer = read_all(third)
        assert status(answer) == 503
        assert json.loads(answer.split(b"\r\n\r\n")[1])["error"]["code"] == "too_busy"
        # The command line comes this way.
        with served.connect_unix() as unix:
            unix.sendall(served.head("/", "Connection: close"))
            assert status(read_all(unix)) == 200
        # Those that are there go on, and one that ends makes room.
        held[0].sendall(served.head("/", "Connection: close"))
        assert status(read_all(held[0])) == 200
        eventually(lambda: status(served.ask()) == 200)


def test_too_many_requests_at_once(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_REQUESTS", 1)
    with served.connect() as stream:
        stream.sendall(served.head("/wait"))
        assert stream.recv(1) == b"H"
        answer = served.ask()
        assert status(answer) == 503
        assert b"retry-after: 1" in answer.lower()
        with served.connect_unix() as unix:
            unix.sendall(served.head("/", "Connection: close"))
            assert status(read_all(unix)) == 200
    eventually(lambda: status(served.ask()) == 200)


@pytest.mark.parametrize(("path", "expected"), [("/fail", 500), ("/fail-late", 200)])
def test_a_defect_is_told_without_a_word_of_it(path: str, expected: int, served: Served, tmp_path: Path) -> None:
    with log.log_to(str(tmp_path / "log")):
        answer = served.ask(path)
        assert status(answer) == expected
        eventually(lambda: "defect" in (tmp_path / "log").read_text("utf-8"))
    told = (tmp_path / "log").read_text("utf-8")
    assert "ValueError" in told
    assert "server.py" in told
    assert "secret" not in told
    assert b"secret" not in answer
    assert b"Traceback" not in answer


def test_what_is_refused_leaves_short_lines_in_the_log(served: Served, tmp_path: Path) -> None:
    # Else who is refused could push out of the log what it has of others.
    with log.log_to(str(tmp_path / "log")):
        for method in ("GET", "M" * 8000):
            assert status(served.ask("/fail" + "a" * 7000, "Origin: http://evil.com", method=method)) in (403, 405)
        eventually(lambda: (tmp_path / "log").read_text("utf-8").count("refused") == 2)
    assert max(len(line) for line in (tmp_path / "log").read_text("utf-8").splitlines()) < 400


def upgrade(served: Served, *headers: str, path: str = "/socket") -> bytes:
    key = base64.b64encode(bytes(16)).decode()
    fields = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}")
    return served.head(path, *fields, *headers)


def test_a_websocket_that_is_refused_is_no_error_of_ours(served: Served, tmp_path: Path) -> None:
    with log.log_to(str(tmp_path / "log")):
        with served.connect() as connection:
            connection.sendall(upgrade(served, "Origin: http://evil.com"))
            assert status(read_all(connection)) == 403
        assert status(served.ask()) == 200
    told = (tmp_path / "log").read_text("utf-8")
    assert "refused method=WEBSOCKET path=/socket status=403" in told
    assert " error " not in told


def test_a_websocket_passes_the_same_guard(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(upgrade(served))
        assert connection.recv(65536).startswith(b"HTTP/1.1 101 ")
    eventually(lambda: served.ended == ["/socket"])
    with served.connect() as connection:
        connection.sendall(upgrade(served, "Origin: http://localhost:3000"))
        answer = read_all(connection)
    assert status(answer) == 403
    assert b'"foreign_origin"' in answer
    assert served.paths == ["/socket"]


@pytest.mark.parametrize(
    ("headers", "tail"),
    [
        (["X-Long: " + "a" * 9000], b""),
        (["X: y"] * 140, b""),
        (["Content-Length: 3"], b"abc"),
        (["Transfer-Encoding: chunked"], b"0\r\n\r\n"),
    ],
    ids=["a long line", "many headers", "a body", "chunks"],
)
def test_a_handshake_that_websockets_does_not_take_ends(headers: list[str], tail: bytes, served: Served) -> None:
    # The library itself answers nothing and keeps the connection, before anybody was asked for a token.
    with served.connect() as connection:
        connection.sendall(upgrade(served, *headers) + tail)
        answer = read_all(connection)
    assert status(answer) == 400
    assert b'"bad_handshake"' in answer
    assert served.paths == []


def test_what_asks_for_another_protocol_is_a_request_like_any_other(served: Served) -> None:
    head = upgrade(served, JSON, "Content-Length: 4", path="/").replace(b"GET", b"POST")
    with served.connect() as connection:
        connection.sendall(head + b'"hi"')
        assert read_one(connection).endswith(b'body: "hi"')
        connection.sendall(
            served.head("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA")
        )
        assert status(read_one(connection)) == 200
    with served.connect() as connection:
        connection.sendall(upgrade(served).replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert status(read_all(connection)) == 505


def test_a_websocket_that_reads_nothing(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STALLED_SECONDS", SHORT)
    with served.connect() as connection:
        connection.sendall(upgrade(served, path="/flood"))
        assert connection.recv(12) == b"HTTP/1.1 101"
        eventually(lambda: served.ended == ["/flood"], what="the flood has ended")


def test_pongs_that_nobody_reads_do_not_pile_up(tmp_path: Path) -> None:
    ping = b"\x89\xfd" + bytes(4) + bytes(125)
    with serve(tmp_path, send_buffer=8192) as served, served.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(upgrade(served))
        assert connection.recv(12) == b"HTTP/1.1 101"
        eventually(lambda: served.paths == ["/socket"])
        before = psutil.Process().memory_info().rss
        # 20 MB of them. Were each answered, all that would be kept here.
        for _ in range(150):
            connection.sendall(ping * 1000)
        assert psutil.Process().memory_info().rss - before < 8 * 1024 * 1024


def test_a_token_is_for_the_port_alone(tmp_path: Path) -> None:
    with serve(tmp_path, token="secret") as served:
        answer = served.ask()
        assert status(answer) == 401
        assert b"www-authenticate" not in answer.lower()
        assert status(served.ask("/", "Authorization: Bearer secret")) == 200
        assert status(served.ask("/", "Authorization: Bearer wrong")) == 401
        with served.connect() as connection:
            connection.sendall(upgrade(served))
            assert status(read_all(connection)) == 401
        with served.connect_unix() as unix:
            unix.sendall(served.head("/", "Connection: close"))
            assert status(read_all(unix)) == 200


@pytest.mark.parametrize("token", [None, "secret"])
def test_a_token_lets_nobody_else_into_the_socket(token: str | None, tmp_path: Path) -> None:
    async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError

    gate = Gate(nothing, Settings(Home(str(tmp_path)), token=token))
    another = os.getuid() + 1
    assert [gate.admits(Peer(uid, unix=True)) for uid in (os.getuid(), another, None)] == [True, False, False]
    known = token is not None
    assert [gate.admits(Peer(uid, unix=False)) for uid in (os.getuid(), another, None)] == [True, known, known]


def test_a_refusal_is_read_by_a_client_that_still_sends(served: Served) -> None:
    # Closed at once, with bytes of the body unread, the connection would be reset, and the answer lost with it.
    with served.connect() as connection:
        connection.sendall(served.head("/", "Content-Type: text/plain", "Content-Length: 100000", method="POST"))
        answer = connection.recv(12)
        assert answer == b"HTTP/1.1 415"
        connection.sendall(bytes(100_000))
        answer = b""
        while part := connection.recv(65536):
            answer += part
        assert b"not_json" in answer
