"""A daemon of another version has the keeper become its own version too, with all its children."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.daemon.hub import Hub
from tests.kit import eventually, program
from tests.upgrade.conftest import Replace, assert_whole, log_bytes
from tests.upgrade.copies import Copy

WIRE = "persistproc_core/keeper/wire.py"


@pytest.fixture
def newer(tmp_path: Path) -> Copy:
    """The package with another version of the keeper."""
    copy = Copy(tmp_path, "9.9.9")
    copy.put(WIRE, r"(?m)^VERSION = 1$", "VERSION = 2")
    return copy


def await_log(own: Hub, text: str) -> None:
    eventually(lambda: text in own.daemon.log(), 20, text)


def test_up_by_a_replacement_and_down_after_a_crash(own: Hub, replace: Replace, newer: Copy) -> None:
    """A daemon that comes back finds a keeper of another version; a child that ended meanwhile keeps its exit code."""
    pid = own.start(program("steady_writer", 1), name="w")["pid"]
    own.start(program("echo_stdin"), name="t", tty=True)
    ending = own.ready(["sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done"], name="e")["pid"]
    keeper = own.keeper_pid()
    replace(newer)
    is_served(own, keeper, 2)
    own.daemon.kill()
    own.forget_connections()
    os.kill(ending, signal.SIGTERM)
    own.daemon.start()
    is_served(own, keeper, 1)
    assert own.call("wait_for_process", "e", exit=True, timeout_seconds=10)["exit_code"] == 9
    assert own.status("w")["pid"] == pid
    assert own.stop("w")["exit_code"] == 0
    assert_whole(log_bytes(own, "w", "stdout"), b"out")
    assert_whole(log_bytes(own, "w", "stderr"), b"err")


def is_served(own: Hub, keeper: int, version: int) -> None:
    """The same keeper, of that version by now, serves what there was and starts more."""
    await_log(own, f"keeper.upgraded pid={keeper} wire={version}")
    own.await_line("w", "out 5")
    own.call("send_process_input", "t", input=f"version {version}")
    own.await_line("t", f"got: version {version}")
    assert own.keeper_pid() == keeper
    assert own.finish(["sh", "-c", "exit 3"], name=f"after{version}")["exit_code"] == 3


def test_one_that_cannot_goes_on_as_it_is(own: Hub, replace: Replace, newer: Copy) -> None:
    """The daemon says so once, and serves with the keeper that there is."""
    newer.put("persistproc_core/keeper/program.py", "class Keeper:", "class Keeper")
    own.ready(program("echo_stdin"), name="p")
    keeper = own.keeper_pid()
    replace(newer)
    await_log(own, "keeper.not_upgraded")
    assert "SyntaxError" in own.daemon.log()
    own.call("send_process_input", "p", input="x")
    own.await_line("p", "got: x")
    assert own.finish(["sh", "-c", "exit 3"])["exit_code"] == 3
    assert own.keeper_pid() == keeper
    assert own.daemon.log().count("keeper.upgrading") == 1
