"""Texts that nobody types took the daemon's one thread for seconds or minutes (quadratic parses), or came back as an
internal error. Every other client waited meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.hub import in_thread
from tests.kit import Daemon, RawConnection

ANSWERED_WITHIN = 1.0
LISTED_WITHIN = 0.7
TRIES = 3

COMMANDS = {
    "braces": "a {" + "," * 20_000,
    "newlines": "a" + "\n" * 60_000 + "b",
    "env": "env " * 10_000,
    "npx": "npx " * 5_000,
}
TARGETS = {**COMMANDS, "digits": "9" * 5000}
ERRORS = ("process_not_found", "invalid_params", "start_failed")


class Timed:
    """A hostile client, and one that lists all the time."""

    def __init__(self, daemon: Daemon) -> None:
        self._hostile, self._other = daemon.connect(60), daemon.connect(60)

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The reply; fails when each time it or a list meanwhile took too long. Once alone may be the machine."""
        seconds, lists = 0.0, [0.0]
        for _ in range(TRIES):
            reply = in_thread(lambda: timed(self._hostile, method, params))
            lists = [timed(self._other, "list_processes", {})[0]]
            while not reply.done():
                lists.append(timed(self._other, "list_processes", {})[0])
            seconds, answer = reply.result(0)
            assert isinstance(answer, dict)
            if seconds < ANSWERED_WITHIN and max(lists) < LISTED_WITHIN:
                return answer
        raise AssertionError(f"{method} took {seconds:.2f} s, and another client waited {max(lists):.2f} s")

    def result(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The result of what is not hostile, and may take its time."""
        result: dict[str, Any] = self._hostile.call(method, **params)
        return result

    def close(self) -> None:
        """Hang up."""
        self._hostile.close()
        self._other.close()


def timed(connection: RawConnection, method: str, params: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    began = time.monotonic()
    reply = connection.request(method, params)
    return time.monotonic() - began, reply


@pytest.fixture
def clients(shared_daemon: Daemon) -> Iterator[Timed]:
    """Both."""
    clients = Timed(shared_daemon)
    yield clients
    clients.close()


def code(reply: dict[str, Any]) -> str:
    assert "error" in reply, reply
    assert len(reply["error"]["message"]) < 2000
    return str(reply["error"]["data"]["error"])


@pytest.mark.parametrize("text", TARGETS.values(), ids=TARGETS)
def test_as_a_process(clients: Timed, text: str) -> None:
    assert code(clients.ask("get_process_status", {"process": text, "working_directory": "/"})) == "process_not_found"


@pytest.mark.parametrize("text", COMMANDS.values(), ids=COMMANDS)
def test_as_a_command(clients: Timed, tmp_path: Path, text: str) -> None:
    params = {"command": text, "working_directory": str(tmp_path), "environment": {"PATH": "/nowhere"}}
    reply = clients.ask("start_process", {**params, "inherit_environment": False})
    if "error" in reply:
        assert code(reply) in ERRORS
    else:  # a shell was found, and the text was its business
        whom = {"process": reply["result"]["pid"]}
        clients.result("stop_process", {**whom, "force": True})
        clients.result("remove_process", whom)


def test_as_a_method(clients: Timed) -> None:
    assert code(clients.ask("m" * (1024 * 1024 - 200), {})) == "method_not_found"


def test_as_a_parameter_that_is_called_like_one_of_ours(clients: Timed) -> None:
    assert code(clients.ask("list_processes", {"call": 1})) == "invalid_params"


@pytest.mark.parametrize("text", ["(" * 480 + ")" * 480, "9" * 5000], ids=["an expression", "digits"])
def test_of_a_process_that_is_there(clients: Timed, tmp_path: Path, text: str) -> None:
    where = {"working_directory": str(tmp_path)}
    clients.result("start_process", {"command": ["true"], "name": "p", **where})
    try:
        if text.isdigit():
            reply = clients.ask("get_process_output", {"process": "p", "run": text, **where})
            assert code(reply) == "invalid_params"
        else:
            reply = clients.ask("wait_for_process", {"process": "p", "output": text, "timeout_seconds": 0, **where})
            assert "result" in reply or code(reply) in ("invalid_params", "wait_failed", "wait_timed_out")
    finally:
        clients.result("stop_process", {"process": "p", "force": True, **where})
        clients.result("remove_process", {"process": "p", **where})
