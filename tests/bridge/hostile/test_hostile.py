"""Hostile requests against a running bridge: all are refused, and nothing runs."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bridge.hostile.requests import REQUESTS, Hostile, Target, harmless
from tests.kit import eventually
from tests.kit.bridge import Bridge

NOBODY = 65534
SECONDS = 10.0


@pytest.fixture
def target(bridge: Bridge, tmp_path: Path) -> Iterator[Target]:
    """The shared bridge. After the test there is no process of the target, and there never was one."""
    yield Target(bridge.port, f"touch {tmp_path}/it-ran", str(tmp_path))
    with bridge.client(tmp_path) as client:
        assert client.list_processes()["processes"] == []
    assert os.listdir(tmp_path) == []


def ask(port: int, data: bytes) -> bytes:
    """All that is answered until the connection ends, or until the answer to an open one is complete."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        return exchange(connection, data)


def exchange(connection: socket.socket, data: bytes) -> bytes:
    connection.settimeout(SECONDS)
    answer = b""
    try:
        connection.sendall(data)
        while part := connection.recv(65536):
            answer += part
    except (ConnectionResetError, BrokenPipeError):
        pass  # refused before all was read
    return answer


def statuses(answer: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d+) ", answer)]


def test_there_are_enough_and_their_names_differ() -> None:
    assert len(REQUESTS) >= 60
    assert len({request.name for request in REQUESTS}) == len(REQUESTS)


@pytest.mark.parametrize("hostile", REQUESTS, ids=[request.name for request in REQUESTS])
def test_refused(hostile: Hostile, target: Target) -> None:
    answer = ask(target.port, hostile.send(target))
    # One answer, and then the connection is closed: what follows in it is not looked at.
    assert statuses(answer) == [hostile.status], answer
    assert b"access-control-" not in answer.lower()
    assert b"Traceback" not in answer


@pytest.mark.parametrize("path", ["/rpc", "/mcp/", "/api/processes"])
def test_the_same_without_the_hostility_works(path: str, bridge: Bridge, tmp_path: Path) -> None:
    answer = ask(bridge.port, harmless(Target(bridge.port, f"touch {tmp_path}/it-ran", str(tmp_path)), path))
    assert statuses(answer) in ([200], [201]), answer
    with bridge.client(tmp_path) as client:
        eventually(lambda: os.listdir(tmp_path) == ["it-ran"])
        client.wait_for_process(process="touch", exit=True, timeout_seconds=SECONDS)
        client.remove_process(process="touch")


def test_a_client_that_goes_away_within_its_body(target: Target) -> None:
    whole = harmless(target)
    for cut in (len(whole) - 1, len(whole) // 2):
        with socket.create_connection(("127.0.0.1", target.port), SECONDS) as connection:
            connection.sendall(whole[:cut])
            connection.shutdown(socket.SHUT_WR)
            assert statuses(exchange(connection, b"")) in ([], [400])


ANOTHER = """
import encodings.idna, os, socket, sys
os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
address = sys.argv[1]
data = sys.stdin.buffer.read()
client = socket.socket(socket.AF_INET if address.isdecimal() else socket.AF_UNIX)
client.settimeout(10)
answer = b""
try:
    client.connect(("127.0.0.1", int(address)) if address.isdecimal() else address)
    client.sendall(data)
    while part := client.recv(65536): answer += part
except ConnectionError as error:
    sys.stderr.write(type(error).__name__)
except PermissionError as error:
    sys.stderr.write(type(error).__name__)
sys.stdout.buffer.write(answer)
"""


def as_another_user(address: str, data: bytes) -> tuple[bytes, str]:
    """What the address answers to nobody's process, and which error it had."""
    command = [sys.executable, "-I", "-S", "-c", ANOTHER, address, str(NOBODY)]
    done = subprocess.run(command, input=data, capture_output=True, timeout=30, check=True)
    return done.stdout, done.stderr.decode()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("path", ["/rpc", "/mcp/", "/api/processes"])
def test_another_user_is_not_even_read(path: str, target: Target) -> None:
    answer, error = as_another_user(str(target.port), harmless(target, path))
    assert answer == b""
    assert error in {"", "ConnectionResetError", "BrokenPipeError"}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_cannot_open_the_socket(bridge: Bridge, target: Target) -> None:
    assert as_another_user(bridge.socket, harmless(target)) == (b"", "PermissionError")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_is_refused_by_the_socket_whatever_its_mode(bridge: Bridge, target: Target) -> None:
    os.chmod(bridge.home.path, 0o711)
    os.chmod(bridge.socket, 0o666)
    try:
        answer, error = as_another_user(bridge.socket, harmless(target))
    finally:
        os.chmod(bridge.socket, 0o600)
        os.chmod(bridge.home.path, 0o700)
    assert answer == b""
    assert error in {"", "ConnectionResetError", "BrokenPipeError"}


def test_a_request_in_single_bytes_is_one_request(target: Target) -> None:
    hostile = next(request for request in REQUESTS if request.name == "a foreign origin")
    with socket.create_connection(("127.0.0.1", target.port), SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = hostile.send(target)
        end_of_head = data.index(b"\r\n\r\n") + 3
        for position in range(end_of_head):
            connection.sendall(data[position : position + 1])
        assert statuses(exchange(connection, data[end_of_head:])) == [403]


def test_the_log_tells_of_them_and_quotes_nothing(bridge: Bridge, target: Target) -> None:
    secret = f"secret-{time.monotonic_ns()}"
    data = harmless(target).replace(b"POST /rpc", f"POST /rpc?token={secret}".encode())
    data = data.replace(b"Connection: close", f"Origin: http://{secret}.com\r\nAuthorization: Bearer {secret}".encode())
    assert statuses(ask(target.port, data)) == [403]
    eventually(lambda: "refused method=POST path=/rpc status=403 reason=foreign_origin" in bridge.log())
    assert secret not in bridge.log()
    assert target.directory not in bridge.log()
