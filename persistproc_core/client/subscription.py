"""`Subscription`: the blocking client's end of a subscription. Standard library only."""

from __future__ import annotations

import time

from ..errors import DaemonUnavailable, ProcessNotFound, ShuttingDown
from . import autostart as starting
from . import wire
from .news import Notification, Progress, present_in
from .resuming import Search

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Generic, TypeVar, cast

    from typing_extensions import Self

    from ..paths import Home
    from .sync import Connection

    Reply = TypeVar("Reply")
else:
    Reply = None

    class Generic:  # typing takes as long to load as all of this
        def __class_getitem__(cls, item):
            return object

    def cast(kind, value):
        return value


__all__ = ["Subscription"]


class Subscription(Generic[Reply]):
    """What `Client.follow_process_output` and `Client.watch_processes` return: iterate over it, and close it.

    ::

        with client.follow_process_output(processes=["web"], lines=20) as news:
            for item in news:
                if item.output:
                    for line in item.output["lines"]:
                        print(line["text"])
                elif item.event:
                    print("---", item.event["type"])

    It has a connection of its own. When that is lost because the daemon ended, it goes on with the next daemon where it
    was: nothing is missed and nothing comes twice. A daemon that was killed is started again where the client may do
    that; one that was stopped is waited for a few seconds, and then it is `DaemonUnavailable`. ``resumes = False``
    turns that off: a lost connection is `DaemonUnavailable` at once.

    It ends by itself when every process that it names was removed; ``ended`` then says so. It is for one thread at a
    time.
    """

    def __init__(
        self,
        method: str,
        params: Mapping[str, object],
        *,
        home: Home,
        first: Connection,
        connect: Callable[[float], Connection],
        autostart: bool,
        timeout: float,
    ) -> None:
        """``first`` is a connection to use, ``connect`` makes others without starting a daemon."""
        self.resumes = True
        self._progress = Progress(method, params)
        self._home = home
        self._connect = connect
        self._autostart = autostart
        self._timeout = timeout
        self._connection: Connection | None = first
        self._pid = first.hello["pid"]
        try:
            self._progress.begin(wire.result_of(first.request(method, dict(params))))
        except (wire.Lost, ShuttingDown) as failure:
            first.close()
            wire.Tries(method).check(failure)
            self._resume()
        except BaseException:
            first.close()
            raise

    @property
    def reply(self) -> Reply:
        """What the daemon answered: the name of the subscription, and where it began."""
        return cast("Reply", self._progress.reply)

    @property
    def ended(self) -> str | None:
        """Why it ended by itself; None as long as it goes on."""
        return self._progress.ended

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Notification:
        news = self.receive()
        if news is None:
            raise StopIteration
        return news

    def close(self) -> None:
        """End it. Closing twice is fine."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def fileno(self) -> int:
        """The descriptor that becomes readable when something comes; another one after it has resumed.

        First take out what is there already: call ``receive(0)`` until it returns None. Raises `DaemonUnavailable` when
        it is closed.
        """
        return self._open().fileno()

    def receive(self, timeout: float | None = None) -> Notification | None:
        """The next notification; None when none came within ``timeout`` seconds, or when it has ended.

        0: only what is there already, without waiting. While it resumes, it may wait for as long as the client's own
        timeout. Raises `DaemonUnavailable`.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._progress.ended is None:
            try:
                message = self._open().message(deadline)
            except wire.Lost:
                if not self.resumes:
                    self.close()
                    raise wire.lost_error(self._progress.method, sent=False) from None
                self._resume()
                continue
            if message is None:
                return None
            news = self._progress.take(message)
            if news is not None and news.method == "subscription_ended":
                break
            if news is not None:
                return news
        self.close()
        return None

    def _open(self) -> Connection:
        if self._connection is None:
            raise DaemonUnavailable("this subscription is closed", hint="subscribe again")
        return self._connection

    def _resume(self) -> None:
        self.close()
        search = Search(self._home, self._pid, autostart=self._autostart, seconds=self._timeout)
        while self._progress.ended is None:
            try:
                connection = self._connect(search.deadline)
            except (*starting.NOBODY_ANSWERS, wire.Lost):
                if search.may_start():
                    starting.ensure_daemon(self._home, search.deadline)
                else:
                    time.sleep(starting.PAUSE)
                continue
            try:
                if self._subscribe(connection):
                    self._connection = connection
                    return
                connection.close()
            except (wire.Lost, ShuttingDown):
                connection.close()
                time.sleep(starting.PAUSE)
                search.check()
            except BaseException:
                connection.close()
                raise
        self.close()

    def _subscribe(self, connection: Connection) -> bool:
        method = self._progress.method
        params = self._progress.again()
        try:
            if params is not None:
                self._progress.begin(wire.result_of(connection.request(method, params)))
        except ProcessNotFound:
            if method != "follow_process_output" or not self._progress.reply:
                raise
            listed = wire.result_of(connection.request("list_processes", {"all_projects": True}))
            params = self._progress.again(present_in(listed))
            if params is not None:
                self._progress.begin(wire.result_of(connection.request(method, params)))
        self._pid = connection.hello["pid"]
        return params is not None
