"""Waiting for a state, on a run that changes under the test's own hands."""

from __future__ import annotations

import anyio
import pytest

from persistproc_core.daemon.model import Run
from persistproc_core.daemon.settings import Settings
from persistproc_core.daemon.states import Event
from persistproc_core.daemon.waiting.conditions.condition import Met
from persistproc_core.daemon.waiting.conditions.ending import InState
from persistproc_core.daemon.words.command import parse_command

pytestmark = pytest.mark.anyio


def _run() -> Run:
    run = Run(
        run_id="p.1.00000000",
        number=1,
        directory="/nonexistent",
        command=parse_command(["true"]),
        working_directory="/",
        settings=Settings(),
        started_at="2026-01-01T00:00:00.000Z",
        started_by={"name": "test"},
        boot_id="",
    )
    run.advance(Event.SPAWNED)
    return run


async def _after(run: Run, condition: InState, *events: Event) -> Met | None:
    """What the condition says when these happened while it waited, all before it could look."""
    said: list[Met | None] = []

    async def wait() -> None:
        said.append(await condition.met(lambda: None))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            for event in events:
                run.advance(event)
    return said[0]


async def test_a_state_that_is_over_at_once_is_not_missed() -> None:
    run = _run()
    assert await _after(run, InState(run, "stopping"), Event.STOP_ASKED, Event.EXITED_ZERO) == Met("state")


async def test_a_state_that_was_before_does_not_count() -> None:
    run = _run()
    run.advance(Event.STOP_ASKED)
    assert await _after(run, InState(run, "running")) is None


async def test_a_state_that_cannot_come_any_more() -> None:
    run = _run()
    assert await _after(run, InState(run, "exited"), Event.STOP_ASKED) is None
