"""Somebody deleted the keeper's socket, and the daemon was killed: the next one could not find the keeper, its own
keeper could not have the lock, and no daemon ever started again while a child lived."""

from __future__ import annotations

import os

from tests.daemon.hub import Hub
from tests.kit import program


def test_the_next_daemon_finds_the_keeper_and_the_children(own: Hub) -> None:
    info = own.ready(program("echo_stdin"), name="p")
    keeper = own.keeper_pid()
    own.forget_connections()
    os.unlink(own.daemon.home.keeper_socket)
    own.daemon.kill()
    own.daemon.start()
    assert own.keeper_pid() == keeper
    assert own.list()["p"]["pid"] == info["pid"]
    own.call("send_process_input", "p", input="still")
    own.await_line("p", "^got: still")
    assert own.stop("p")["stopped_pids"] == [info["pid"]]
