"""A keeper that is stopped (SIGSTOP): whoever needs it is told so in time, all others are served, nothing is lost."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import wait
from pathlib import Path

import pytest

from tests.daemon.hub import Hub
from tests.kit import WireError, eventually, is_alive, program


def test_it_stands_still_and_goes_on(own: Hub, tmp_path: Path) -> None:
    own.ready(["sh", "-c", "trap 'exit 3' TERM; echo ready; while :; do sleep 0.02; done"], name="p")
    own.start(program("steady_writer", 5), name="w")
    own.start(program("echo_stdin"), name="t", tty=True)
    web = own.ready(["sh", "-c", "echo ready; exec sleep 600"], name="web")
    keeper = own.keeper_pid()
    os.kill(keeper, signal.SIGSTOP)
    try:
        late = own.aside("start_process", command=["touch", str(tmp_path / "late")], name="late")
        again = own.aside("restart_process", "web")
        size = own.aside("resize_terminal", "t", rows=30, columns=100)
        began = time.monotonic()
        assert {"p", "w", "t", "web"} <= set(own.list())
        assert own.status("p")["state"] == "running"
        assert own.lines("p") == ["ready"]
        assert own.keeper_pid() == keeper
        assert time.monotonic() - began < 5
        assert (
            own.stop("p")["exit_code"] == 3
        )  # each of its processes is signalled by itself; the kernel knows the code
        for asked in (late, again, size):
            with pytest.raises(WireError) as caught:
                asked.result(30)
            assert caught.value.code == "keeper_unavailable"
            assert f"kill -CONT {keeper}" in str(caught.value)
        assert own.status("web")["pid"] == web["pid"]
    finally:
        os.kill(keeper, signal.SIGCONT)
    own.await_line("w", "out 5")
    assert own.finish(["sh", "-c", "exit 4"], name="next")["exit_code"] == 4
    assert not (tmp_path / "late").exists()
    assert "late" not in own.list()
    assert own.status("p")["exit_code"] == 3
    assert own.stop("w")["exit_code"] == 0
    assert is_alive(web["pid"])


def test_input_for_what_is_just_being_started(own: Hub) -> None:
    """It is listed already, and has nobody yet who reads its input."""
    own.ready(program("sleeper"), name="other")
    keeper = own.keeper_pid()
    os.kill(keeper, signal.SIGSTOP)
    try:
        start = own.aside("start_process", command=program("echo_stdin"), name="echo")
        eventually(lambda: "echo" in own.list())
        sent = own.aside("send_process_input", "echo", input="hello")
        assert not wait([sent], 0.3).done
    finally:
        os.kill(keeper, signal.SIGCONT)
    start.result(10)
    assert sent.result(10)["run"] == 1
    own.await_line("echo", "^got: hello")


def test_the_daemon_ends_and_the_next_one_comes(own: Hub) -> None:
    """Neither has to wait for a keeper that stands still to be told what it knows."""
    pid = own.ready(program("echo_stdin"), name="p")["pid"]
    keeper = own.keeper_pid()
    os.kill(keeper, signal.SIGSTOP)
    try:
        began = time.monotonic()
        own.connection.call("shutdown_daemon")
        own.daemon.kill(signal.SIGTERM)
        assert time.monotonic() - began < 5
        own.forget_connections()
    finally:
        os.kill(keeper, signal.SIGCONT)
    own.daemon.start()
    assert own.status("p")["pid"] == pid
    own.call("send_process_input", "p", input="x")
    own.await_line("p", "got: x")
