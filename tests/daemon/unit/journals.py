"""Processes that never ran, and a journal to tell of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from persistproc_core.daemon.events.journal import Journal
from persistproc_core.daemon.log import Log
from persistproc_core.daemon.model import Process, Run
from persistproc_core.daemon.settings import Settings
from persistproc_core.daemon.words.command import Command

__all__ = ["journal_in", "make"]

_COMMAND = Command(("true",), False, "true")


def make(number: int = 1, name: str = "p", directory: str = "/home/me/shop") -> tuple[Process, Run]:
    """A process with one run."""
    run = Run(
        run_id=f"{name}.{number}",
        number=number,
        directory="/nowhere",
        command=_COMMAND,
        working_directory="/work",
        settings=Settings(),
        started_at=f"2026-01-01T00:00:{number % 60:02d}.000Z",
        started_by={"name": "tests"},
        boot_id="boot",
    )
    process = Process(name, directory, _COMMAND, "/work", [run])
    return process, run


@asynccontextmanager
async def journal_in(folder: Path) -> AsyncIterator[Journal]:
    """A journal that is written and shown as long as the block lasts."""
    log = Log(str(folder / "log"))
    journal = Journal(str(folder / "events.jsonl"), log)
    with anyio.fail_after(10):
        await journal.load()
        async with anyio.create_task_group() as group:
            group.start_soon(journal.run)
            yield journal
            await journal.settled()
            group.cancel_scope.cancel()
    log.close()
