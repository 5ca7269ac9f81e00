"""Output of programs that persistproc did not start, and that nothing but the capturing process itself is touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest

from tests.daemon.hub import Hub
from tests.daemon.records import lose_record
from tests.kit import eventually, is_alive, program, wait_gone
from tests.kit.waiting import read_until


class Pipeline:
    """``cat | capture_client > passed`` under a shell in a session of its own, as a terminal would run it."""

    def __init__(self, hub: Hub, name: str, stack: ExitStack, *, exit_code: int = 0) -> None:
        client = [*program("capture_client"), hub.daemon.socket, str(hub.project), name, str(exit_code)]
        self.passed = hub.project / f"{name}.passed"
        # A shell that is told to go on, and a neighbour of the same process group, must outlive whatever is done.
        script = 'sleep 1000 & echo $!; cat | "$@" > "$PASSED"; echo over; wait'
        self.shell = stack.enter_context(
            subprocess.Popen(
                ["sh", "-c", script, "sh", *client],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "PASSED": str(self.passed)},
                start_new_session=True,
            )
        )
        stack.callback(self.end)
        self.neighbour = int(self._read(self.shell.stdout, b"\n"))

    @staticmethod
    def _read(stream: IO[bytes] | None, end: bytes) -> bytes:
        assert stream is not None
        return read_until(stream.fileno(), end, 10)

    def await_captured(self) -> None:
        """Return when the capture has begun."""
        self._read(self.shell.stderr, b"captured\n")

    def said(self) -> str:
        """What the capture client said on its standard error, to its end."""
        return self._read(self.shell.stderr, b"\n").decode()

    def await_over(self) -> None:
        """Return when the pipeline is through and the shell goes on."""
        self._read(self.shell.stdout, b"over\n")

    def write(self, data: bytes) -> None:
        """Output of the program."""
        assert self.shell.stdin is not None
        self.shell.stdin.write(data)
        self.shell.stdin.flush()

    def close(self) -> None:
        """The program ends."""
        assert self.shell.stdin is not None
        self.shell.stdin.close()

    def assert_untouched(self) -> None:
        """Shell and neighbour live."""
        assert is_alive(self.shell.pid)
        assert is_alive(self.neighbour)

    def end(self) -> None:
        """Whatever is left of it."""
        os.killpg(self.shell.pid, signal.SIGKILL)
        wait_gone(self.neighbour)


Capture = Callable[..., Pipeline]


@pytest.fixture
def capture() -> Iterator[Capture]:
    """Makes pipelines."""
    with ExitStack() as stack:
        yield lambda hub, name, **options: Pipeline(hub, name, stack, **options)


def test_it_is_a_process_like_any_other(hub: Hub, capture: Capture) -> None:
    web = capture(hub, "web")
    web.await_captured()
    info = hub.list()["web"]
    assert (info["state"], info["captured"], info["run"], info["tty"]) == ("running", True, 1, False)
    assert info["command"] == "persistproc capture --name web"
    assert info["started_by"] == {"name": "capture-client", "pid": info["pid"]}
    assert info["processes"] == 1
    web.write(b"listening on 8000\n")
    assert hub.await_line("web", "listening") == "listening on 8000"
    web.write(b"\xff\x00 more")
    eventually(lambda: hub.lines("web")[-1].endswith("more"))
    eventually(lambda: web.passed.read_bytes() == b"listening on 8000\n\xff\x00 more")
    web.close()
    ended = hub.call("wait_for_process", "web", exit=True, timeout_seconds=10)
    assert (ended["state"], ended["exit_code"], ended["reason"]) == ("exited", 0, "end of input")
    assert hub.lines("web")[0] == "listening on 8000"
    web.await_over()
    web.assert_untouched()


def test_all_of_a_flood_is_there(hub: Hub, capture: Capture) -> None:
    web = capture(hub, "web")
    web.await_captured()
    data = b"".join(b"%015d\n" % number for number in range(300_000))
    web.write(data)
    web.close()
    hub.call("wait_for_process", "web", exit=True, timeout_seconds=20)
    assert hub.log_path("web").read_bytes() == data[: 4 * 1024 * 1024]
    assert hub.call("get_process_log_paths", "web")["streams"][0]["bytes"] == len(data)
    assert web.passed.read_bytes() == data


@pytest.mark.parametrize("how", ["stop", "force", "leave_escaped", "signal", "leader", "SIGINT"])
def test_only_the_capturing_process_is_signalled(hub: Hub, capture: Capture, how: str) -> None:
    web = capture(hub, "web")
    web.await_captured()
    web.write(b"before\n")
    hub.await_line("web", "before")
    pid = hub.status("web")["pid"]
    assert os.getpgid(pid) == os.getsid(pid) == web.shell.pid
    if how in ("signal", "leader", "SIGINT"):
        signame = "SIGINT" if how == "SIGINT" else "SIGTERM"
        hub.call("signal_process", "web", signal=signame, to="leader" if how == "leader" else "group")
        hub.await_state("web", "failed")
        assert hub.status("web")["signal"] in (signame, None)
    else:
        options = {} if how == "stop" else {how: True}
        reply = hub.stop("web", **options)
        assert reply["stopped_pids"] == [pid]
        assert reply["ended_by"] == ("SIGKILL" if how == "force" else "SIGTERM")
        assert reply["state"] == "stopped"
    assert not is_alive(pid)
    web.assert_untouched()
    web.close()
    web.await_over()
    web.assert_untouched()


def test_the_exit_code_is_told(hub: Hub, capture: Capture) -> None:
    web = capture(hub, "web", exit_code=7)
    web.await_captured()
    web.close()
    ended = hub.call("wait_for_process", "web", exit=True, timeout_seconds=10)
    assert (ended["state"], ended["exit_code"], ended["reason"]) == ("failed", 7, "exited with code 7")


def test_it_outlives_the_daemon(hub: Hub, capture: Capture, restarted: Callable[[], Hub]) -> None:
    web = capture(hub, "web")
    web.await_captured()
    web.write(b"one\n")
    hub.await_line("web", "one")
    pid = hub.status("web")["pid"]
    restarted()
    info = hub.status("web")
    assert (info["state"], info["captured"], info["pid"]) == ("running", True, pid)
    web.write(b"two\n")
    hub.await_line("web", "two")
    assert hub.stop("web")["stopped_pids"] == [pid]
    web.assert_untouched()


def test_it_outlives_keeper_and_daemon(own: Hub, capture: Capture) -> None:
    web = capture(own, "web")
    web.await_captured()
    web.write(b"one\n")
    own.await_line("web", "one")
    keeper = own.keeper_pid()
    os.kill(own.daemon.pid, signal.SIGKILL)
    os.kill(keeper, signal.SIGKILL)
    wait_gone(own.daemon.pid)
    wait_gone(keeper)
    web.write(b"two\n")
    eventually(lambda: web.passed.read_bytes() == b"one\ntwo\n")
    own.forget_connections()
    own.daemon.start()
    own.await_line("web", "two")
    web.write(b"three\n")
    own.await_line("web", "three")
    web.close()
    assert own.call("wait_for_process", "web", exit=True, timeout_seconds=10)["exit_code"] == 0
    assert own.lines("web") == ["one", "two", "three"]
    web.assert_untouched()


def test_it_ends_while_nobody_looks(hub: Hub, capture: Capture) -> None:
    web = capture(hub, "web")
    web.await_captured()
    pid = hub.status("web")["pid"]
    hub.forget_connections()
    hub.daemon.kill()
    web.write(b"last words\n")
    web.close()
    web.await_over()
    wait_gone(pid)
    hub.daemon.start()
    info = hub.call("wait_for_process", "web", exit=True, timeout_seconds=10)
    assert (info["state"], info["exit_code"]) == ("lost", None)
    assert hub.lines("web") == ["last words"]


def test_a_lost_record_does_not_make_strangers_ours(own: Hub, capture: Capture) -> None:
    web = capture(own, "web")
    web.await_captured()
    info = own.status("web")
    own.forget_connections()
    own.daemon.kill()
    lose_record(Path(own.daemon.home.runs) / info["run_id"])
    own.daemon.start()
    (found,) = own.list(all_projects=True).values()
    assert (found["pid"], found["captured"]) == (info["pid"], True)
    own.stop(found["pid"])
    assert not is_alive(info["pid"])
    web.assert_untouched()


def test_names(hub: Hub, capture: Capture) -> None:
    """A live name is taken, an ended one gets its next run; what captures cannot be started again."""
    hub.ready(program("sleeper"), name="web")
    taken = capture(hub, "web")
    assert "shop/web is running: " in taken.said()
    hub.stop("web")
    web = capture(hub, "web")
    web.await_captured()
    assert hub.status("web")["run"] == 2
    again = capture(hub, "web")
    assert "shop/web is running: persistproc capture --name web" in again.said()
    error = hub.error("start_process", command=program("sleeper"), name="web")
    assert error.code == "name_taken"
    error = hub.error("restart_process", "web")
    assert error.code == "not_restartable"
    assert "persistproc run --name web" in error.error["data"]["hint"]
    assert hub.error("send_process_input", "web", input="x").code == "invalid_params"
    assert hub.error("resize_terminal", "web", rows=3, columns=3).code == "no_terminal"
    web.close()
    hub.call("wait_for_process", "web", exit=True, timeout_seconds=10)
    assert hub.error("restart_process", "web").code == "not_restartable"
    assert hub.start(program("sleeper"), name="web")["run"] == 3
    assert hub.status("web")["captured"] is False


def test_the_request_may_be_sent_again(hub: Hub) -> None:
    """The reply may have been lost; here the test itself is the leader, and must not be ended by the fixture."""
    connection = hub.connection
    params = {"name": "web", "working_directory": str(hub.project)}
    reader = subprocess.Popen(
        [sys.executable, "-c", _TWICE, hub.daemon.socket, str(params)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with reader:
        assert reader.stdout is not None
        first, second = read_until(reader.stdout.fileno(), b"\n", 10).split()
        assert first == second
        assert len(hub.status("web")["history"]) == 1
        error = connection.error("capture_process", params)
        assert error["data"]["error"] == "name_taken"
    hub.await_state("web", "exited")


_TWICE = """
import json, socket, sys
def ask():
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(sys.argv[1])
    message = {"jsonrpc": "2.0", "id": 1, "method": "capture_process", "params": eval(sys.argv[2])}
    connection.sendall(json.dumps(message).encode() + b"\\n")
    replies = connection.makefile("rb")
    replies.readline()
    return json.loads(replies.readline())["result"]["path"]
print(ask(), ask(), flush=True)
sys.stdin.read()
"""


def test_bad_requests_leave_nothing(hub: Hub) -> None:
    for params in ({"name": "-x"}, {"name": "5"}, {"name": "x", "working_directory": "relative"}, {}):
        error = hub.connection.error("capture_process", {"working_directory": str(hub.project), **params})
        assert error["data"]["error"] == "invalid_params"
    assert hub.list() == {}


def test_a_shutdown_of_all_spares_the_pipeline(own: Hub, capture: Capture) -> None:
    web = capture(own, "web")
    web.await_captured()
    pid = own.status("web")["pid"]
    reply = own.connection.call("shutdown_daemon", stop_processes=True)
    assert reply["stopped"] == ["shop/web"]
    wait_gone(pid)
    web.assert_untouched()
    wait_gone(own.daemon.pid)
    own.forget_connections()
    own.daemon.start()
