"""Listening ports of processes: real sockets in real children."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from persistproc_core.daemon.kernel.ports import listeners, listeners_by_run
from tests.kit import read_line

LINUX = sys.platform == "linux"
WAYS = [
    pytest.param(True, marks=pytest.mark.skipif(not LINUX, reason="no /proc"), id="proc"),
    pytest.param(False, id="psutil"),
]

SERVER = """
import os, signal, socket, sys
held = []
for address in sys.argv[1:]:
    held.append(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET))
    held[-1].bind((address, 0))
    held[-1].listen()
child = os.fork()
if child:
    print(child, *(s.getsockname()[1] for s in held), flush=True)
    os.wait()
else:
    signal.pause()
"""


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class Server:
    """A server with a worker that shares its sockets."""

    def __init__(self, *addresses: str) -> None:
        command = [sys.executable, "-c", SERVER, *addresses]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.worker, *self.ports = map(int, read_line(self.process.stdout).split())
        self.pids = [self.process.pid, self.worker]

    def end(self) -> None:
        os.kill(self.worker, 9)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server("127.0.0.1", "0.0.0.0", "127.0.0.2")
    yield server
    server.end()


def test_the_ports_of_a_server_and_its_worker(server: Server, way: bool) -> None:
    expected = sorted(zip(server.ports, ["127.0.0.1", "0.0.0.0", "127.0.0.2"], strict=True))

    found = listeners(server.pids, procfs_available=way)

    assert [(each["port"], each["address"]) for each in found] == expected
    assert {each["pid"] for each in found} == {min(server.pids)}


def test_only_the_given_processes_count(server: Server, way: bool) -> None:
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", 0))
        ours.listen()
        port = ours.getsockname()[1]

        assert port not in [each["port"] for each in listeners(server.pids, procfs_available=way)]
        assert port in [each["port"] for each in listeners([os.getpid()], procfs_available=way)]


def test_a_connection_is_no_listener(way: bool) -> None:
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", 0))
        ours.listen()
        with socket.create_connection(ours.getsockname()) as client:
            found = [each["port"] for each in listeners([os.getpid()], procfs_available=way)]

            assert found.count(ours.getsockname()[1]) == 1
            assert client.getsockname()[1] not in found


def test_the_addresses_of_ipv6(way: bool) -> None:
    try:
        server = Server("::1", "::")
    except (EOFError, OSError):
        pytest.skip("this machine has no IPv6")
    try:
        found = {each["port"]: each["address"] for each in listeners(server.pids, procfs_available=way)}
    finally:
        server.end()

    assert found == dict(zip(server.ports, ["::1", "::"], strict=True))


def test_what_two_runs_share_is_told_of_both(server: Server, way: bool) -> None:
    found = listeners_by_run({"a": [server.pids[0]], "b": [server.pids[1]], "c": []}, procfs_available=way)

    assert [each["port"] for each in found["a"]] == [each["port"] for each in found["b"]] == sorted(server.ports)
    assert {each["pid"] for each in found["b"]} == {server.pids[1]}
    assert found["c"] == []


def test_nobody_has_no_ports(way: bool) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()

    assert listeners([], procfs_available=way) == listeners([gone.pid, 0, 2**22 + 1], procfs_available=way) == []


@pytest.mark.skipif(not LINUX, reason="psutil is slower elsewhere")
def test_thirty_processes_are_quick() -> None:
    children = [subprocess.Popen(["sleep", "60"]) for _ in range(30)]
    try:
        listeners([child.pid for child in children])
        begin = time.perf_counter()
        listeners([child.pid for child in children])
        took = time.perf_counter() - begin
    finally:
        for child in children:
            child.kill()
            child.wait()

    assert took < 0.05
