"""`AsyncSubscription`: the end of a subscription for anyio programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast

import anyio
import anyio.lowlevel
import anyio.to_thread

from ..errors import DaemonUnavailable, ProcessNotFound, ShuttingDown
from . import autostart as starting
from . import wire
from .news import Notification, Progress, present_in
from .resuming import Search

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from ..paths import Home
    from .aio import Connection

__all__ = ["AsyncSubscription"]

Reply = TypeVar("Reply")


class AsyncSubscription(Generic[Reply]):
    """`persistproc_core.client.subscription.Subscription`, awaited.

    ::

        async with await client.follow_process_output(processes=["web"], lines=20) as news:
            async for item in news:
                if item.output:
                    for line in item.output["lines"]:
                        print(line["text"])

    One task uses it at a time. A cancelled `receive` loses nothing: call it again.
    """

    def __init__(
        self,
        method: str,
        params: Mapping[str, object],
        *,
        home: Home,
        connect: Callable[[float], Awaitable[Connection]],
        autostart: bool,
        timeout: float,
    ) -> None:
        """``connect`` makes a connection without starting a daemon. `begin` is to be called first."""
        self.resumes = True
        self._progress = Progress(method, params)
        self._home = home
        self._connect = connect
        self._autostart = autostart
        self._timeout = timeout
        self._connection: Connection | None = None
        self._lost = False
        self._pid = 0

    async def begin(self, connection: Connection) -> None:
        """Subscribe over this connection. Raises what the daemon answers."""
        try:
            await self._subscribe(connection)
            self._connection = connection
        except (wire.Lost, ShuttingDown) as failure:
            connection.close()
            wire.Tries(self._progress.method).check(failure)
            await self._resume()
        except BaseException:
            connection.close()
            raise

    @property
    def reply(self) -> Reply:
        """What the daemon answered: the name of the subscription, and where it began."""
        return cast("Reply", self._progress.reply)

    @property
    def ended(self) -> str | None:
        """Why it ended by itself; None as long as it goes on."""
        return self._progress.ended

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Notification:
        news = await self.receive()
        if news is None:
            raise StopAsyncIteration
        return news

    async def aclose(self) -> None:
        """End it. Closing twice is fine."""
        self._close()
        await anyio.lowlevel.checkpoint()

    def _close(self) -> None:
        self._lost = False
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def receive(self) -> Notification | None:
        """The next notification; None when it has ended. Raises `DaemonUnavailable`."""
        await anyio.lowlevel.checkpoint()
        while self._progress.ended is None:
            if self._lost:
                await self._resume()
                continue
            if self._connection is None:
                raise DaemonUnavailable("this subscription is closed", hint="subscribe again")
            try:
                message = await self._connection.message()
            except wire.Lost:
                self._close()
                if not self.resumes:
                    raise wire.lost_error(self._progress.method, sent=False) from None
                # Remembered, so that a cancelled call can be made again.
                self._lost = True
                continue
            news = self._progress.take(message)
            if news is not None and news.method != "subscription_ended":
                return news
        self._close()
        return None

    async def _resume(self) -> None:
        search = Search(self._home, self._pid, autostart=self._autostart, seconds=self._timeout)
        while self._progress.ended is None:
            try:
                connection = await self._connect(search.deadline)
            except (*starting.NOBODY_ANSWERS, wire.Lost):
                if search.may_start():
                    # Abandoned when cancelled: the thread has a deadline of its own, and closes what it has opened.
                    await anyio.to_thread.run_sync(
                        starting.ensure_daemon, self._home, search.deadline, abandon_on_cancel=True
                    )
                else:
                    await anyio.sleep(starting.PAUSE)
                continue
            try:
                if await self._subscribe(connection):
                    self._connection = connection
                    self._lost = False
                    return
                connection.close()
            except (wire.Lost, ShuttingDown):
                connection.close()
                await anyio.sleep(starting.PAUSE)
                search.check()
            except BaseException:
                connection.close()
                raise

    async def _subscribe(self, connection: Connection) -> bool:
        method = self._progress.method
        params = self._progress.again()
        try:
            if params is not None:
                self._progress.begin(wire.result_of(await connection.request(method, params)))
        except ProcessNotFound:
            if method != "follow_process_output" or not self._progress.reply:
                raise
            listed = wire.result_of(await connection.request("list_processes", {"all_projects": True}))
            params = self._progress.again(present_in(listed))
            if params is not None:
                self._progress.begin(wire.result_of(await connection.request(method, params)))
        self._pid = connection.hello["pid"]
        return params is not None
