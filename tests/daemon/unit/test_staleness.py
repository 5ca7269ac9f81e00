"""What looks left behind where the file system does not answer."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import anyio
import anyio.to_thread
import pytest

from persistproc_core.daemon.model import Process
from persistproc_core.daemon.registry import Registry
from persistproc_core.daemon.states import Event
from persistproc_core.daemon.usage import staleness
from persistproc_core.daemon.usage.staleness import Staleness
from persistproc_core.daemon.usage.uses import Uses
from tests.daemon.unit.journals import make

HUNG = "/a/file/server/that/does/not/answer"
QUESTIONS = 60
"""More than the event loops have threads (40)."""


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever looks at that directory waits until the test is over."""
    over = threading.Event()
    stat = os.stat

    def waits(path: Any, *args: Any, **options: Any) -> os.stat_result:
        if path == HUNG:
            over.wait(30)
        return stat(path, *args, **options)

    monkeypatch.setattr(os, "stat", waits)
    monkeypatch.setattr(staleness, "_DISK_SECONDS", 0.2)
    yield
    over.set()


async def nobody(processes: Iterable[Process]) -> set[Process]:
    return set()


@pytest.mark.anyio
async def test_a_file_server_that_does_not_answer_keeps_nobody_waiting(hung: None) -> None:
    process, run = make(directory=HUNG)
    run.advance(Event.SPAWNED)
    run.launched.set()
    stale = Staleness(Uses(Registry()), nobody)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            for _ in range(QUESTIONS):
                group.start_soon(stale.find, [process])
        assert await stale.find([process]) == {}, "what nobody can tell is taken for there"
        assert await anyio.to_thread.run_sync(int) == 0, "the daemon's other threads are free"
