"""Watching a port and asking a URL, inside the test's own event loop, on both backends."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread
import pytest

from persistproc_core.daemon.kernel.listening import PortWatch
from persistproc_core.daemon.waiting.attempt import Attempt
from persistproc_core.daemon.waiting.conditions.condition import Looked, Met
from persistproc_core.errors import WaitFailed
from tests.kit import free_port

pytestmark = pytest.mark.anyio


async def test_a_socket_that_begins_to_listen() -> None:
    port = free_port()
    watch = PortWatch(port)
    if not watch.works:
        pytest.skip("the kernel does not tell")
    told = []

    async def wait() -> None:
        told.append(await watch.wait_changed(frozenset(), 60))

    with anyio.fail_after(20), socket.socket() as server:  # by itself it would come back after a minute
        server.bind(("127.0.0.1", port))
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            server.listen()
    watch.close()
    assert told[0]


async def test_any_port() -> None:
    watch = PortWatch(0)
    if not watch.works:
        pytest.skip("the kernel does not tell")
    with anyio.fail_after(5):
        before = watch.sockets()
        with socket.create_server(("127.0.0.1", 0)) as server:
            seen = before
            # Other programs of this machine begin and end to listen as well.
            while not any(inode == b"%d" % os.fstat(server.fileno()).st_ino for inode in seen):
                seen = await watch.wait_changed(seen, 5)
    watch.close()


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "::1", "127.0.0.2"])
async def test_whatever_address_it_has(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server, anyio.fail_after(5):
        watch = PortWatch(server.getsockname()[1])
        if watch.works:
            assert len(await watch.wait_changed(frozenset(), 5)) == 1
        watch.close()


async def test_a_cancelled_watch_leaves_no_thread() -> None:
    watch = PortWatch(free_port())
    with anyio.move_on_after(0.05):
        await watch.wait_changed(frozenset(), 60)
    watch.close()
    begun = time.monotonic()
    # It gives its place back when the thread is through.
    assert await watch.wait_changed(frozenset(), 60) == frozenset()
    assert time.monotonic() - begun < 20


_Work = Callable[[Looked], Awaitable[Met | None]]


class _Scripted:
    """A condition that does what it is told."""

    def __init__(self, work: _Work) -> None:
        self._work = work

    async def met(self, looked: Looked) -> Met | None:
        return await self._work(looked)

    async def obstacle(self) -> str:
        return ""


async def _never(looked: Looked) -> Met | None:
    looked()
    await anyio.sleep_forever()
    return None


async def _impossible(looked: Looked) -> Met | None:
    return None


async def _true(looked: Looked) -> Met | None:
    return Met("exit")


async def _slow(looked: Looked) -> Met | None:
    await anyio.sleep(0.1)
    return Met("port")


async def _looks_twice(looked: Looked) -> Met | None:
    looked()
    looked()
    await anyio.sleep_forever()
    return None


@pytest.mark.parametrize(
    ("works", "in_time", "met"),
    [
        ([_never, _true], True, "exit"),
        ([_impossible, _true], True, "exit"),
        ([_impossible, _impossible], True, None),
        ([_impossible, _never], False, None),
        ([_never], False, None),
        ([_slow], True, "port"),
        ([_looks_twice, _slow], True, "port"),
    ],
    ids=["one-true", "one-impossible", "all-impossible", "one-left", "never", "slow", "slow-beside-quick"],
)
async def test_an_attempt(works: list[_Work], in_time: bool, met: str | None) -> None:
    """Its time is up at once, but each condition is looked at."""
    attempt = Attempt(anyio.current_time())
    for work in works:
        attempt.add(_Scripted(work))
    with anyio.fail_after(5):
        assert await attempt.run() is in_time
    assert (attempt.met.what if attempt.met else None) == met


async def test_what_is_beside_an_attempt() -> None:
    async def fail() -> None:
        raise WaitFailed("no")

    attempt = Attempt(anyio.current_time() + 60)
    attempt.add(_Scripted(_never))
    attempt.beside(fail)
    with anyio.fail_after(5), pytest.raises(WaitFailed):
        await attempt.run()
    quick = Attempt(anyio.current_time() + 60)
    quick.add(_Scripted(_true))
    quick.beside(anyio.sleep_forever)
    with anyio.fail_after(5):
        assert await quick.run()
