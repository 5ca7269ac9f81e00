"""More clients than descriptors: the daemon neither ends nor spins, and serves again when they are gone."""

from __future__ import annotations

import contextlib
import resource
import socket

import psutil
import pytest

from tests.daemon.hub import Hub
from tests.kit import is_alive, program


def many(path: str, count: int) -> list[socket.socket]:
    """As many connections as the kernel's queue takes, up to ``count``."""
    sockets = []
    for _ in range(count):
        sockets.append(socket.socket(socket.AF_UNIX))
        sockets[-1].setblocking(False)
        with contextlib.suppress(BlockingIOError):
            sockets[-1].connect(path)
    return sockets


def test_three_hundred_connections(poor: Hub) -> None:
    info = poor.ready(program("sleeper"), name="p")
    daemon = psutil.Process(poor.daemon.pid)
    sockets = many(poor.daemon.socket, 300)
    try:
        before = sum(daemon.cpu_times()[:2])
        with pytest.raises((TimeoutError, BlockingIOError)):
            poor.daemon.connect(1)  # queued behind all those
        assert sum(daemon.cpu_times()[:2]) - before < 0.5
        assert poor.connection.request("get_daemon_status")
        assert is_alive(info["pid"])
    finally:
        for each in sockets:
            each.close()
    assert poor.connect().call("get_daemon_status")["pid"] == poor.daemon.pid
    assert poor.stop("p")["state"] == "stopped"
    poor.ready(program("sleeper"), name="q")


def test_a_child_is_not_poor_because_the_daemon_is_rich(hub: Hub) -> None:
    """The daemon raises its own limit; a child that loops over all descriptors must not pay for that (select(2))."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    hub.finish(["sh", "-c", "ulimit -n"], name="p")
    assert hub.lines("p") == [str(soft)]
