"""Nothing left: descriptors, processes, room for files. Nobody ends, what is there stays readable, and it passes."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.daemon.hub import Hub
from tests.kit import WireError, eventually, is_alive, program

_CLIENTS = 2000

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="prlimit(2) is Linux's")


@pytest.fixture
def rich() -> Iterator[None]:
    """This process may have many descriptors."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], min(_CLIENTS + 500, before[1])), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextlib.contextmanager
def limited(pid: int, what: int, value: int) -> Iterator[None]:
    """A limit of a process that runs, for the length of the block."""
    before = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (value, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, what, before)


def test_two_thousand_connects_to_a_daemon_with_64_descriptors(poor: Hub, rich: None) -> None:
    info = poor.ready(program("sleeper"), name="p")
    daemon = psutil.Process(poor.daemon.pid)
    with contextlib.ExitStack() as stack:
        before, begun = sum(daemon.cpu_times()[:2]), time.monotonic()
        for _ in range(_CLIENTS):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.connect(poor.daemon.socket)
        with pytest.raises((TimeoutError, BlockingIOError)):
            poor.daemon.connect(1)  # queued behind all those
        assert poor.list()["p"]["state"] == "running"
        # What it takes to accept some sixty, and then a look ten times a second.
        assert sum(daemon.cpu_times()[:2]) - before < 0.1 + 0.05 * (time.monotonic() - begun)
        os.unlink(poor.daemon.socket)  # it cannot make another one now, and tries again
    begun = time.monotonic()
    deadline = begun + 5
    while True:
        with contextlib.suppress(OSError, EOFError):
            assert poor.connect().call("get_daemon_status")["pid"] == poor.daemon.pid
            break
        assert time.monotonic() < deadline
    assert is_alive(info["pid"])
    assert poor.stop("p")["state"] == "stopped"


def with_error(hub: Hub, command: list[str]) -> str:
    error = hub.error("start_process", command=command, name="new")
    assert error.error["data"]["hint"]
    assert "Traceback" not in error.error["message"]
    return error.code


def test_a_keeper_that_cannot_fork(own: Hub) -> None:
    """No descriptor for a pipe; for an ordinary user also no process. What runs goes on, and the next start works."""
    old = own.ready(program("echo_stdin"), name="old")
    keeper = own.keeper_pid()
    limits = [(resource.RLIMIT_NOFILE, len(os.listdir(f"/proc/{keeper}/fd")) + 1)]
    if os.getuid() != 0:
        limits.append((resource.RLIMIT_NPROC, 1))  # the superuser has no such limit
    for what, value in limits:
        with limited(keeper, what, value):
            assert with_error(own, ["true"]) == "start_failed"
            own.call("send_process_input", "old", input="x")
            own.await_line("old", "^got: x")
        assert own.finish(["true"], name="new")["exit_code"] == 0
    assert own.keeper_pid() == keeper
    assert own.status("old")["pid"] == old["pid"]
    # And the daemon, which then has none for files.
    own.connect().call("list_processes")
    with limited(own.daemon.pid, resource.RLIMIT_NOFILE, 8):
        assert own.error("start_process", command=["true"], name="new").code == "storage_failed"
        error = own.error("list_processes")
        assert (error.code, "Too many open files" in error.error["message"]) == ("internal_error", True)
    assert own.list()["old"]["state"] == "running"
    assert own.finish(["true"], name="new")["exit_code"] == 0


def path_of(hub: Hub, name: str) -> Path:
    return Path(hub.daemon.home.runs, hub.status(name)["run_id"], "record.json")


VERBS: dict[str, Callable[[Hub], object]] = {
    "start": lambda hub: hub.call("start_process", command=["true"], name="new"),
    "restart": lambda hub: hub.call("restart_process", "old"),
    "mark": lambda hub: hub.call("set_mark", name="m"),
    "capture": lambda hub: hub.call("capture_process", name="captured"),
}


def test_no_write_succeeds(own: Hub) -> None:
    """A limit of some bytes a file is a disk that is full in the middle of each write (EFBIG, setrlimit(2))."""
    old = own.ready(program("echo_stdin"), name="old")
    own.finish(["true"], name="ended")
    record = path_of(own, "old")
    content = record.read_bytes()
    for most in (0, 100):
        with limited(own.daemon.pid, resource.RLIMIT_FSIZE, most):
            for verb, call in VERBS.items():
                with pytest.raises(WireError) as raised:
                    call(own)
                assert raised.value.code == "storage_failed", verb
            own.call("send_process_input", "old", input="x")
            own.await_line("old", "^got: x")
            assert own.list()["old"]["pid"] == old["pid"]
            assert record.read_bytes() == content
    assert own.call("set_mark", name="m")["name"] == "m"
    assert own.call("restart_process", "old")["run"] == 2
    with limited(own.daemon.pid, resource.RLIMIT_FSIZE, 0):
        assert own.stop("old")["state"] == "stopped"
    eventually(lambda: json.loads(path_of(own, "old").read_bytes())["state"] == "stopped")
    own.forget_connections()
    own.daemon.kill()
    own.daemon.start()
    assert own.list()["old"]["state"] == "stopped"
    assert own.list()["ended"]["state"] == "exited"
