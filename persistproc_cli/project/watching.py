"""A call that takes long, and what happens to the processes meanwhile."""

from __future__ import annotations

import os
import select

from persistproc_core.errors import DaemonUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from persistproc_core.client.subscription import Subscription
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import Event, WatchReply

    from ..interrupts import Interrupts

    Reply = TypeVar("Reply")

__all__ = ["watched"]

_TRIES = 3


def watched(
    client: Client,
    call: Callable[[], Reply],
    tell: Callable[[list[Event]], None],
    interrupts: Interrupts,
    pause: float | None,
) -> Reply:
    """The reply of a call that may safely be made again; until it comes, ``tell`` gets the events of the project.

    With ``pause`` it is called that often (s) at least, be there events or not. Raises `Interrupted`; the call goes on
    then, but nobody hears of it.
    """
    with interrupts:
        subscription = client.watch_processes()
    with subscription:
        ended, result = _in_thread(call)
        over = False
        while not over:
            with interrupts:
                over = ended in _readable(ended, subscription, pause)
            tell(_events(subscription))
    os.close(ended)
    return result()


def _in_thread(call: Callable[[], Reply]) -> tuple[int, Callable[[], Reply]]:
    """A descriptor that becomes readable when the call has ended, and what gives its result then."""
    from threading import Thread

    replies: list[Reply] = []
    failures: list[BaseException] = []
    # Not closed when we leave early, for the thread may still write to it.
    ended, end = os.pipe()

    def work() -> None:
        try:
            replies.append(_again(call))
        except BaseException as error:
            failures.append(error)
        os.close(end)

    def result() -> Reply:
        if failures:
            raise failures[0]
        return replies[0]

    # A thread that the interpreter waits for would keep whoever presses Ctrl-C.
    Thread(target=work, daemon=True).start()
    return ended, result


def _again(call: Callable[[], Reply]) -> Reply:
    """Ask again after a daemon that died in the middle of it: what is done already is left alone the second time."""
    for _ in range(_TRIES - 1):
        try:
            return call()
        except DaemonUnavailable as error:
            if not error.data.get("sent"):
                raise
    return call()


def _readable(ended: int, subscription: Subscription[WatchReply], pause: float | None) -> list[int]:
    descriptors = [ended]
    try:
        descriptors.append(subscription.fileno())
    except DaemonUnavailable:
        pass  # closed: see `_events`
    return select.select(descriptors, [], [], pause)[0]


def _events(subscription: Subscription[WatchReply]) -> list[Event]:
    """Those that are there."""
    events: list[Event] = []
    try:
        while (news := subscription.receive(0)) is not None:
            if news.event is not None:
                events.append(news.event)
    except DaemonUnavailable:
        subscription.close()  # the daemon was stopped meanwhile; the call itself says so
    return events
