"""A stop and a wait came while the first start of a process was still under way, and that start failed: the stop said
that it had stopped a process which there was not, and the wait was never woken."""

from __future__ import annotations

from tests.daemon.hub import Hub
from tests.kit import RawConnection, WireError
from tests.regressions.slow_exec import NOT_THERE, HeldChild


def taken_in(hub: Hub, method: str, **params: object) -> RawConnection:
    """A connection with a request of id 7 that the daemon has taken in: what was sent behind it was answered."""
    connection = hub.connect()
    asked = {"process": "g", "working_directory": str(hub.project), **params}
    connection.send({"jsonrpc": "2.0", "id": 7, "method": method, "params": asked})
    connection.call("list_processes")
    return connection


def test_a_stop_and_a_wait_end_with_it(own: Hub) -> None:
    child = HeldChild(own, [NOT_THERE], "g")
    stop = taken_in(own, "stop_process")
    wait = taken_in(own, "wait_for_process", port=9, timeout_seconds=8)
    child.go_on()
    failure = child.reply.exception(10)
    assert isinstance(failure, WireError)
    assert failure.code == "start_failed"
    assert stop.read()["error"]["data"]["error"] == "process_not_found"
    reply = wait.read()
    assert reply["error"]["data"]["error"] != "wait_timed_out", "nobody woke it"
    assert own.list() == {}
