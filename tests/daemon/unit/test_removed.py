"""A process that is removed while its output is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from persistproc_core.daemon.answers.output import Output
from persistproc_core.errors import ProcessNotFound
from tests.daemon.unit.journals import make

if TYPE_CHECKING:
    from persistproc_core.daemon.answers.bookmarks import Bookmarks
    from persistproc_core.daemon.keeper import Keeper
    from persistproc_core.protocol import OutputReply

pytestmark = pytest.mark.anyio


def output(keeper: Keeper | None = None, bookmarks: Bookmarks | None = None) -> Output:
    """For questions that need neither."""
    return Output(keeper, bookmarks)  # type: ignore[arg-type]


async def test_what_was_read_is_told_all_the_same() -> None:
    process, run = make(7)
    replies: list[OutputReply] = []

    async def read() -> None:
        replies.append(await output().get(process, {"process": "p"}))

    limiter = anyio.to_thread.current_default_thread_limiter()
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(read)
            while not limiter.borrowed_tokens:
                await anyio.lowlevel.checkpoint()
            process.runs.remove(run)
    assert (replies[0]["run"], replies[0]["newest_run"]) == (7, 7)


async def test_there_is_nothing_to_read_any_more() -> None:
    process, run = make()
    process.runs.remove(run)
    with pytest.raises(ProcessNotFound, match="was removed meanwhile"):
        await output().get(process, {"process": "p"})
