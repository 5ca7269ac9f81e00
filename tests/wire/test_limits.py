"""What a client does wrong costs that client alone: sizes, depths, half-open and silent connections, no descriptors."""

from __future__ import annotations

import json
import resource
import signal
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil
import pytest

from persistproc_core.framing import MAX_DEPTH, MAX_MESSAGE_BYTES
from tests.kit import Daemon, RawConnection, program

PING = {"jsonrpc": "2.0", "method": "get_daemon_status", "id": 1}


def test_the_longest_line_is_read(shared_daemon: Daemon) -> None:
    line = json.dumps(PING).encode().ljust(MAX_MESSAGE_BYTES - 1)
    with shared_daemon.connect() as connection:
        connection.send_bytes(line + b"\n")
        assert connection.read()["id"] == 1


def test_a_longer_line_is_refused_and_ends_the_connection(shared_daemon: Daemon) -> None:
    with shared_daemon.connect() as connection:
        # No newline: the daemon must not wait for one for ever, nor keep what comes.
        connection.send_bytes(b"x" * MAX_MESSAGE_BYTES)
        reply = connection.read()
        assert reply["id"] is None
        assert reply["error"]["data"]["error"] == "invalid_request"
        assert connection.ended()
    with shared_daemon.connect() as connection:
        assert connection.call("get_daemon_status")["pid"] == shared_daemon.pid


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 100_000])
def test_deep_nesting_is_refused(shared_daemon: Daemon, opening: str, depth: int) -> None:
    with shared_daemon.connect() as connection:
        connection.send_bytes(opening.encode() * depth + b"\n")
        error = connection.read()["error"]
        assert error["data"]["error"] == "invalid_request"
        assert connection.call("get_daemon_status")["pid"] == shared_daemon.pid


def test_brackets_in_a_text_are_no_nesting(shared_daemon: Daemon) -> None:
    with shared_daemon.connect() as connection:
        assert connection.error("stop_process", {"process": "[{" * 1000})["data"]["error"] == "process_not_found"


def test_a_half_closed_client_gets_its_replies(shared_daemon: Daemon) -> None:
    with shared_daemon.connect() as connection:
        connection.send(PING)
        connection.send({**PING, "id": 2})
        connection.socket.shutdown(socket.SHUT_WR)
        assert {connection.read()["id"], connection.read()["id"]} == {1, 2}
        assert connection.ended()


@contextmanager
def sleeping(daemon: Daemon) -> Iterator[RawConnection]:
    """A connection, while a process runs; the daemon is left without it."""
    with daemon.connect() as connection, daemon.connect() as other:
        other.call("start_process", command=program("sleeper"), name="sleeper", working_directory=daemon.home.path)
        yield connection
        other.call("stop_process", process="sleeper", force=True)
        other.call("remove_process", process="sleeper")


def test_clients_that_vanish_in_the_middle(shared_daemon: Daemon) -> None:
    with sleeping(shared_daemon) as keeper:
        wait = {"jsonrpc": "2.0", "method": "wait_for_process", "params": {"process": "sleeper"}, "id": 1}
        for partial in (b'{"jsonrpc": "2.', b"", json.dumps(wait).encode() + b"\n"):
            with shared_daemon.connect() as connection:
                connection.send_bytes(partial)
                # Closed with a reset: what the daemon writes next fails in its hands.
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert keeper.call("get_daemon_status")["running"] == 1


def test_a_client_that_does_not_read_delays_nobody(shared_daemon: Daemon) -> None:
    discover = json.dumps({"jsonrpc": "2.0", "method": "rpc.discover", "id": 1}).encode() + b"\n"
    with shared_daemon.connect() as silent:
        silent.socket.settimeout(0.2)
        # Until the daemon stops reading, because nobody reads what it writes.
        with pytest.raises(TimeoutError):
            silent.send_bytes(discover * 200_000)
        with shared_daemon.connect() as connection:
            assert connection.call("get_daemon_status")["pid"] == shared_daemon.pid


def test_one_slow_request_delays_no_other_of_the_same_connection(shared_daemon: Daemon) -> None:
    with sleeping(shared_daemon) as connection:
        params = {"process": "sleeper", "exit": True, "timeout_seconds": 60}
        connection.send({"jsonrpc": "2.0", "method": "wait_for_process", "params": params, "id": "slow"})
        connection.send({**PING, "id": "fast"})
        assert connection.read()["id"] == "fast"


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit(2)")
def test_no_descriptors_left(daemon: Daemon) -> None:
    before = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    with ExitStack() as stack, daemon.connect() as first:
        stack.callback(resource.prlimit, daemon.pid, resource.RLIMIT_NOFILE, before)
        used = psutil.Process(daemon.pid).num_fds()
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (used + 4, before[1]))
        with ExitStack() as waiting:
            for _ in range(20):
                waiting.enter_context(socket.socket(socket.AF_UNIX)).connect(daemon.socket)
            # It cannot accept all of these; those that it serves are served as before.
            assert first.call("list_processes")["processes"] == []
        with RawConnection(daemon.socket, within=10) as late:
            assert late.call("list_processes")["processes"] == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_signals_that_a_daemon_may_get(daemon: Daemon, number: signal.Signals) -> None:
    with daemon.connect() as connection:
        started = connection.call(
            "start_process", command=program("sleeper"), name="sleeper", working_directory=daemon.home.path
        )
    if number == signal.SIGHUP:
        psutil.Process(daemon.pid).send_signal(number)
    else:
        daemon.kill(number)
        daemon.start()
    with daemon.connect() as connection:
        (process,) = connection.call("list_processes", running=True)["processes"]
        assert process["pid"] == started["pid"]
