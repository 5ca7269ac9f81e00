"""Who is at the other end: over real sockets, and with real other users."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from persistproc_mcp.guard import peer as peers
from persistproc_mcp.guard.peer import Peer, peer_of, users_can_be_told
from persistproc_mcp.guard.proc_net import owner_in_proc
from persistproc_mcp.guard.sock_diag import Owner, SockDiag
from tests.kit import eventually, program, read_line

NOBODY = 65534
linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux is asked")
root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")

# What Python loads late it must load first: the other user may not be able to read its folder.
CONNECT = """
import encodings.idna, os, socket, sys
address, uid, when = sys.argv[1], int(sys.argv[2]), sys.argv[3]
if when == "before": os.setuid(uid)
client = socket.socket(socket.AF_INET if ":" in address else socket.AF_UNIX)
host, _, port = address.partition(":")
client.connect((host, int(port)) if port else address)
if when == "after": os.setuid(uid)
os.write(1, b"connected\\n")
sys.stdin.read()
"""


@pytest.fixture
def diag() -> Iterator[SockDiag]:
    with contextlib.closing(SockDiag()) as diag:
        yield diag


@contextlib.contextmanager
def accepted(host: str, family: int = socket.AF_INET) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's socket, and the server's end of it."""
    with socket.create_server((host, 0), family=family) as server:
        client = socket.create_connection(server.getsockname()[:2], 5)
        end, _ = server.accept()
        with client, end:
            yield client, end


@contextlib.contextmanager
def by_another(
    server: socket.socket, address: str, when: str = "before", cwd: Path | None = None
) -> Iterator[socket.socket]:
    """The server's end of a connection that a process of another user made."""
    command = [sys.executable, "-I", "-S", "-c", CONNECT, address, str(NOBODY), when]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, cwd=cwd)
    with process:
        assert process.stdout is not None
        assert read_line(process.stdout) == b"connected"
        end, _ = server.accept()
        with end:
            yield end
        assert process.stdin is not None
        process.stdin.close()


@contextlib.contextmanager
def port_by_another(when: str = "before") -> Iterator[socket.socket]:
    """The same over TCP."""
    server = socket.create_server(("127.0.0.1", 0))
    with server, by_another(server, f"127.0.0.1:{server.getsockname()[1]}", when) as end:
        yield end


@linux
@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_ours(host: str, family: int) -> None:
    with accepted(host, family) as (_, end):
        peer = peer_of(end)
        assert (peer.uid, peer.is_ours, peer.unix) == (os.getuid(), True, False)


@linux
def test_an_ipv6_socket_that_calls_an_ipv4_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_INET6) as client:
        client.connect(("::ffff:127.0.0.1", server.getsockname()[1]))
        end, _ = server.accept()
        with end:
            assert peer_of(end).is_ours


@linux
def test_a_server_for_both_families() -> None:
    server = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    with server, socket.create_connection(("127.0.0.1", server.getsockname()[1]), 5):
        end, _ = server.accept()
        with end:
            assert peer_of(end).is_ours


@linux
def test_a_peer_that_has_closed_is_nobody() -> None:
    # The kernel shows what is left of its end as uid 0 with inode 0: for root that would be ourselves.
    with accepted("127.0.0.1") as (client, end):
        client.close()
        assert end.recv(1) == b""
        peer = peer_of(end)
        assert (peer.uid, peer.is_ours) == (None, False)


@linux
def test_a_peer_that_was_reset_is_nobody() -> None:
    with accepted("127.0.0.1") as (client, end):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        client.close()
        eventually(lambda: peer_of(end).uid is None)


@linux
def test_a_peer_that_has_closed_one_direction_is_still_ours() -> None:
    with accepted("127.0.0.1") as (client, end):
        client.shutdown(socket.SHUT_WR)
        assert end.recv(1) == b""
        assert peer_of(end).is_ours


@linux
@root
@pytest.mark.parametrize("look_up", ["netlink", "proc"])
def test_another_user(look_up: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if look_up == "proc":
        monkeypatch.setattr(peers, "_sock_diag", Refused())
    with port_by_another() as end:
        peer = peer_of(end)
        assert (peer.uid, peer.is_ours) == (NOBODY, False)


@linux
@root
def test_a_socket_counts_as_whose_who_made_it() -> None:
    with port_by_another("after") as end:
        assert peer_of(end).uid == 0


@linux
@root
def test_root_is_another_user() -> None:
    # In a child: it becomes nobody, and is called by root.
    code = """
import os, socket, sys
from persistproc_mcp.guard.peer import peer_of
server = socket.create_server(("127.0.0.1", 0))
os.write(1, b"%d\\n" % server.getsockname()[1])
end, _ = server.accept()
os.setuid(int(sys.argv[1]))
peer = peer_of(end)
os.write(1, repr((peer.uid, peer.is_ours)).encode() + b"\\n")
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(NOBODY)], stdout=subprocess.PIPE, bufsize=0)
    with process:
        assert process.stdout is not None
        with socket.create_connection(("127.0.0.1", int(read_line(process.stdout))), 5):
            assert read_line(process.stdout) == b"(0, False)"


class Refused(SockDiag):
    """A kernel that does not answer, as in some sandboxes."""

    def owner(self, source: tuple[str, int], target: tuple[str, int]) -> Owner | None:
        raise OSError("refused")


@linux
@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_both_ways_to_ask_agree(host: str, family: int, diag: SockDiag) -> None:
    with accepted(host, family) as (client, end):
        source, target = client.getsockname()[:2], end.getsockname()[:2]
        found = diag.owner(source, target)
        assert found == Owner(os.getuid(), os.fstat(client.fileno()).st_ino)
        assert owner_in_proc(source, target) == found
        # The same two ends, seen from the other side.
        assert diag.owner(target, source) == Owner(os.getuid(), os.fstat(end.fileno()).st_ino)


@linux
def test_a_listener_on_the_port_of_a_peer_that_is_gone_is_not_the_peer(diag: SockDiag) -> None:
    # The kernel looks for a listener where no connection fits. Somebody else's would let a stranger in.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert diag.owner(("127.0.0.1", port), ("127.0.0.1", 1)) is None
        assert owner_in_proc(("127.0.0.1", port), ("127.0.0.1", 1)) is None


@linux
def test_who_has_not_been_accepted_yet_is_nobody(diag: SockDiag) -> None:
    # Of a connection whose other end is gone, left in the queue by another user, the port may be tried again by us.
    with contextlib.ExitStack() as stack, socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        trying = None
        while trying is None:
            client = stack.enter_context(socket.socket())
            client.settimeout(0.1)
            try:
                client.connect(address)
            except TimeoutError:
                trying = client.getsockname()
        assert diag.owner(trying, address) is None
        assert owner_in_proc(trying, address) is None


@linux
def test_a_netlink_socket_that_broke_is_replaced(diag: SockDiag) -> None:
    with accepted("127.0.0.1") as (client, end):
        source, target = client.getsockname(), end.getsockname()
        assert diag.owner(source, target)
        assert diag._netlink is not None
        os.close(diag._netlink.detach())
        with pytest.raises(OSError):  # noqa: PT011 - which one is the kernel's choice
            diag.owner(source, target)
        assert diag.owner(source, target)
        diag.close()
        assert diag.owner(source, target)


def test_unix() -> None:
    client, end = socket.socketpair()
    with client, end:
        peer = peer_of(end)
        assert (peer.uid, peer.unix, peer.is_ours) == (os.getuid(), True, True)


@root
def test_unix_another_user(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        # Whatever the modes allow: it is the peer that counts.
        os.chmod(tmp_path / "s", 0o666)
        os.chmod(tmp_path, 0o711)
        with by_another(server, "s", cwd=tmp_path) as end:
            peer = peer_of(end)
            assert (peer.uid, peer.is_ours) == (NOBODY, False)


@linux
@pytest.mark.anyio
async def test_the_process_behind_tcp() -> None:
    with accepted("127.0.0.1") as (_, end):
        process = await peer_of(end).process()
        assert process.pid == os.getpid()
        assert process.directory == os.getcwd()
        assert process.arguments[1:] == tuple(sys.orig_argv[1:])


@linux
@pytest.mark.anyio
async def test_the_process_behind_unix() -> None:
    client, end = socket.socketpair()
    with client, end:
        process = await peer_of(end).process()
        assert (process.pid, process.directory) == (os.getpid(), os.getcwd())


@linux
def test_a_pid_that_was_given_to_another_since_is_not_the_peer() -> None:
    peer = Peer(os.getuid(), unix=True)
    tick = 1 / os.sysconf("SC_CLK_TCK")
    made = time.clock_gettime(time.CLOCK_BOOTTIME)
    eventually(lambda: time.clock_gettime(time.CLOCK_BOOTTIME) > made + 2 * tick)
    with subprocess.Popen(program("sleeper")) as later:
        peer._pid = later.pid
        now = Peer(os.getuid(), unix=True, pid=later.pid)
        assert anyio.run(peer.process) == (None, None, ())
        assert anyio.run(now.process).pid == later.pid
        later.kill()


@pytest.mark.anyio
async def test_nothing_is_told_of_whose_user_is_not_known() -> None:
    process = await Peer(None, unix=False, inode=1).process()
    assert process == (None, None, ())


def test_users_can_be_told() -> None:
    assert users_can_be_told() is (sys.platform == "linux")
