"""Many who start, stop or restart the same thing at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from persistproc_core.client import Client
from persistproc_core.errors import PersistprocError, StartFailed
from persistproc_core.protocol import StartReply
from tests.kit import Daemon, eventually, marked, program, wait_gone
from tests.races.crowd import FULL, at_once

CALLERS = 50
ROUNDS = 100 if FULL else 8


def test_fifty_starts_are_one_process(daemon: Daemon, tmp_path: Path) -> None:
    command = program("sleeper")
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(working_directory=str(tmp_path))) for _ in range(CALLERS)]

        def start(client: Client) -> StartReply:
            return client.start_process(command=command, working_directory=str(tmp_path))

        replies = at_once([partial(start, client) for client in clients])
        answers = [reply for reply in replies if not isinstance(reply, PersistprocError)]
        assert len(answers) == CALLERS, replies
        assert sorted(reply["already_running"] for reply in answers) == [False] + [True] * (CALLERS - 1)
        assert len({reply["run_id"] for reply in answers}) == 1
        _await_marked(answers[0]["run_id"], [answers[0]["pid"]])
        assert len(clients[0].list_processes(all_projects=True)["processes"]) == 1


def test_stop_exit_restart_and_start_of_one_process(daemon: Daemon, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    command, where = program("alone", lock), str(tmp_path)
    with ExitStack() as stack:
        stopper, restarter, starter = (stack.enter_context(Client(working_directory=where)) for _ in range(3))
        for number in range(ROUNDS):
            before = starter.start_process(command=command, name="web", working_directory=where)
            pid, old = before["pid"], before["run_id"]
            assert pid is not None
            end = (signal.SIGKILL, signal.SIGTERM)[number % 2]

            acts: list[Callable[[], str]] = [
                lambda: stopper.stop_process(process="web")["state"],
                lambda: restarter.restart_process(process="web")["state"],
                lambda: starter.start_process(command=command, name="web", working_directory=where)["state"],
                partial(_kill, pid, end),
            ]
            outcome = at_once(acts)
            # A new run that somebody else's stop ended at once is the one failure that a restart may report.
            refused = [answer for answer in outcome if isinstance(answer, PersistprocError)]
            assert all(isinstance(answer, StartFailed) for answer in refused), outcome
            assert refused == [] or refused == [outcome[1]], outcome
            wait_gone(pid)
            listed = starter.list_processes()["processes"]
            assert len(listed) == 1
            assert old != listed[0]["run_id"]
            _await_marked(listed[0]["run_id"], [listed[0]["pid"]] if listed[0]["state"] == "running" else [])
    assert not os.path.exists(f"{lock}.broken"), "two runs of one process were alive at once"


def _await_marked(run_id: str, pids: list[int | None]) -> None:
    # In the middle of an execve the environment is empty, and so is the marker.
    eventually(lambda: marked("PERSISTPROC_RUN", run_id) == pids, what=f"{pids} alone are of {run_id}")


def _kill(pid: int, number: int) -> str:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
    return "killed"


@pytest.mark.parametrize("verb", ["stop", "restart"])
def test_many_do_the_same_at_once(verb: str, daemon: Daemon, tmp_path: Path) -> None:
    command, where = program("sleeper"), str(tmp_path)
    with Client(working_directory=where) as client:
        first = client.start_process(command=command, name="web", working_directory=where)
        if verb == "stop":
            stopped = at_once([lambda: client.stop_process(process="web") for _ in range(10)])
            fresh = [reply for reply in stopped if not isinstance(reply, PersistprocError)]
            assert len(fresh) == 10, stopped
            assert sorted(reply["already_stopped"] for reply in fresh) == [False] + [True] * 9
            assert {reply["run_id"] for reply in fresh} == {first["run_id"]}
        else:
            # Each is told of its own run, or that a later restart has ended it already.
            restarted = at_once([lambda: client.restart_process(process="web") for _ in range(4)])
            refused = [reply for reply in restarted if isinstance(reply, PersistprocError)]
            assert all(isinstance(reply, StartFailed) for reply in refused), restarted
            status = client.get_process_status(process="web")
            assert (status["run"], status["state"]) == (5, "running")
            assert [run["state"] for run in status["history"]] == ["running"] + ["stopped"] * 4
