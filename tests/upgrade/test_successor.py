"""The new daemon as the old one sees it: once given up, it never comes to serve; what it has said is never missed."""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from persistproc_core.daemon.handover.successor import Successor, start
from persistproc_core.errors import ReplaceFailed
from tests.kit import eventually
from tests.kit.procs import mentions

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["trio"])]  # what the daemon runs on
FAKE = str(Path(__file__).with_name("fake_successor.py"))


async def loaded(how: str, wrapper: Sequence[str] = ()) -> Successor:
    """One that has said that it has loaded."""
    new = await anyio.to_thread.run_sync(start, [*wrapper, sys.executable, FAKE, how], dict(os.environ))
    await new.hear("loaded", 20)
    return new


async def hand_over(new: Successor) -> None:
    """Hand it two descriptors."""
    with socket.socket() as first, socket.socket() as second:
        await new.say({}, [first.fileno(), second.fileno()])


@asynccontextmanager
async def handed_over(how: str, wrapper: Sequence[str] = ()) -> AsyncIterator[Successor]:
    """One that has been handed two descriptors."""
    async with await loaded(how, wrapper) as new:
        await hand_over(new)
        yield new


async def test_it_is_gone_when_it_was_too_late(tmp_path: Path) -> None:
    async with handed_over(f"late={tmp_path / 'served'}") as new:
        with pytest.raises(ReplaceFailed, match="not ready within"):
            await new.hear("ready", 0.05)
    assert not (tmp_path / "served").exists()


async def test_the_child_of_a_wrapper_is_gone_as_well(tmp_path: Path) -> None:
    how = f"late={tmp_path / 'served'}"
    async with handed_over(how, ["/bin/sh", "-c", '"$@"; exit $?', "sh"]) as new:
        with pytest.raises(ReplaceFailed):
            await new.hear("ready", 0.05)
    eventually(lambda: not mentions([], [how]), what="nothing of it is left")


async def test_its_word_counts_when_we_were_stopped_until_the_time_was_up() -> None:
    async def stop() -> None:
        # It says its word when it has been handed over, which nobody hears before the time is up.
        await anyio.wait_all_tasks_blocked()
        await hand_over(new)
        # The whole event loop stands still, as under SIGSTOP, until the word is there and the time is up.
        assert select.select([new._channel._socket], [], [], 20)[0]
        time.sleep(1.2)  # noqa: ASYNC251

    async with await loaded("ready") as new, anyio.create_task_group() as group:
        group.start_soon(stop)
        assert (await new.hear("ready", 1.0)).content["instance"] == "i"
