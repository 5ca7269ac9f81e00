"""The run that takes the place of one that was stopped: looked for while it is being started."""

from __future__ import annotations

from typing import cast

from persistproc_cli.succession import next_run
from persistproc_cli.viewer import Viewer
from persistproc_core.protocol import OutputReply, ProcessInfo
from tests.cli.test_render import info


class Told:
    """One state of the process after the other, for whoever asks."""

    def __init__(self, *states: ProcessInfo) -> None:
        self.states = list(states)
        self.pauses = 0

    def read(self, call: object) -> ProcessInfo:
        """The next one."""
        return self.states.pop(0)

    def pause(self, seconds: float) -> None:
        """Nothing is gained by waiting here."""
        self.pauses += 1


def test_a_run_is_told_when_it_has_its_pid() -> None:
    ended = cast("OutputReply", {"run": 1, "state": "stopped", "reason": "restarted by cursor"})
    stopped, unborn = info(state="stopped"), info(run=2, state="starting", pid=None)
    told = Told(stopped, unborn, info(run=2, pid=42))
    found = next_run(cast("Viewer", told), stopped, ended)
    assert found is not None
    assert found["pid"] == 42
    assert told.pauses == 2


def test_a_run_that_could_not_be_started_is_told_at_once() -> None:
    ended = cast("OutputReply", {"run": 1, "state": "stopped", "reason": "restarted by cursor"})
    failed = info(run=2, state="failed", pid=None, ended_at="2026-01-02T03:04:05.006Z")
    assert next_run(cast("Viewer", Told(failed)), info(), ended) == failed
