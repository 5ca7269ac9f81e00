"""Who is connected to a port: real connections, seen in every way that there is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from persistproc_core.daemon.kernel.connections import connected_seconds
from persistproc_core.daemon.kernel.ports import listeners
from tests.kit import eventually, read_line

LINUX = sys.platform == "linux"

# Each line is answered by closing the last connection that was accepted.
SERVER = """
import socket, sys
address = sys.argv[1]
server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
server.bind((address, 0))
server.listen()
print(server.getsockname()[1], flush=True)
held = []
for line in sys.stdin:
    if line == "accept\\n":
        held.append(server.accept()[0])
    elif line == "close\\n":
        held.pop().close()
    elif line == "own\\n":
        held += [socket.create_connection(server.getsockname()[:2]), server.accept()[0]]
    print("done", flush=True)
"""


@pytest.fixture(
    params=[
        pytest.param("sock_diag", marks=pytest.mark.skipif(not LINUX, reason="no netlink")),
        pytest.param("proc", marks=pytest.mark.skipif(not LINUX, reason="no /proc")),
        "psutil",
    ]
)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Server:
    """A server in another process, as a run has one."""

    def __init__(self, address: str) -> None:
        command = [sys.executable, "-c", SERVER, address]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.port = int(read_line(self.process.stdout))

    def do(self, word: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()
        read_line(self.process.stdout)

    def seconds(self, way: str) -> float | None:
        """How long ago somebody was connected."""
        pids = [self.process.pid]
        return connected_seconds(
            {"r": listeners(pids)}, {"r": pids}, procfs_available=way != "psutil", netlink_available=way == "sock_diag"
        ).get("r")

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(params=["127.0.0.1", "::", "::1"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = Server(str(request.param))
    yield server
    server.end()


@pytest.fixture
def plain() -> Iterator[Server]:
    server = Server("127.0.0.1")
    yield server
    server.end()


def connect(server: Server) -> socket.socket:
    for host in ("127.0.0.1", "::1"):
        try:
            client = socket.create_connection((host, server.port))
        except OSError:
            continue
        server.do("accept")
        return client
    raise AssertionError("nobody listens")


def test_nobody_and_then_somebody(server: Server, way: str) -> None:
    assert server.seconds(way) is None
    with connect(server):
        assert server.seconds(way) == 0
    server.do("close")


@pytest.mark.parametrize("first", ["client", "server"])
def test_a_connection_that_was_just_closed(plain: Server, way: str, first: str) -> None:
    client = connect(plain)
    if first == "client":
        client.close()
        plain.do("close")
    else:
        plain.do("close")
        client.close()
    if way == "psutil":
        eventually(lambda: plain.seconds(way) is None, what="no process has it any more, and nothing else is told")
        return
    eventually(lambda: (plain.seconds(way) or 0) > 0, what="it is only remembered")
    ago = plain.seconds(way)
    assert ago is not None
    assert 0 < ago < 30


def test_a_server_that_forgets_to_close(plain: Server, way: str) -> None:
    connect(plain).close()
    if way == "psutil":
        eventually(lambda: plain.seconds(way) is None, what="nobody has the other end")
    else:
        eventually(lambda: (plain.seconds(way) or 0) > 0, what="the other end is only remembered")


def test_a_peer_that_has_hung_up_is_not_connected(plain: Server, way: str) -> None:
    client = connect(plain)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    eventually(lambda: plain.seconds(way) is None, what="the reset has come")


def test_its_own_connections_do_not_count(plain: Server, way: str) -> None:
    plain.do("own")
    assert plain.seconds(way) is None
    with connect(plain):
        assert plain.seconds(way) == 0


def test_many_connections_of_its_own_cost_one_look_at_its_descriptors(
    plain: Server, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "psutil":
        return
    for _ in range(20):
        plain.do("own")
    looks: list[str] = []
    listdir = os.listdir

    def counted(path: str) -> list[str]:
        looks.append(path)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", counted)
    assert plain.seconds(way) is None
    assert len(looks) <= 2, "one to find its ports, and one for all connections"


def test_another_port_does_not_count(plain: Server, way: str) -> None:
    other = Server("127.0.0.1")
    try:
        with connect(other):
            assert plain.seconds(way) is None
            assert other.seconds(way) == 0
    finally:
        other.end()


def test_processes_that_are_gone(plain: Server, way: str) -> None:
    pids = [plain.process.pid]
    found = listeners(pids)
    plain.end()
    assert os.path.exists("/proc") or way == "psutil"
    assert (
        connected_seconds(
            {"r": found}, {"r": pids}, procfs_available=way != "psutil", netlink_available=way == "sock_diag"
        )
        == {}
    )
