"""Waiting for descriptors: epoll where there is one (a thousand runs), else poll; each has one handler.

A descriptor can *rest*: it is not looked at for a moment. A child that writes line after line would otherwise wake the
keeper for each of them, and both would spend their time on that. Nothing rests unless there was something to read, so
an idle keeper has no timer. What is to be done a moment `later` is as rare.
"""

from __future__ import annotations

import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Poll"]

_EPOLL = hasattr(select, "epoll")


class Poll:
    """The descriptors that the loop waits for."""

    def __init__(self) -> None:
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._resting: dict[int, float] = {}
        self._changes: set[int] = set()
        self._later: dict[bytes, tuple[float, Callable[[], None]]] = {}
        self._poller = select.epoll() if _EPOLL else select.poll()

    def add(self, fd: int, handler: Callable[[int], None], *, writing: bool = False) -> None:
        """Call ``handler(events)`` whenever ``fd`` is readable (``writing``: writable) or hung up."""
        self._handlers[fd] = handler
        self._poller.register(fd, select.POLLOUT if writing else select.POLLIN)

    def change(self, fd: int, *, writing: bool) -> None:
        """Wait until it is writable as well, or no longer."""
        if fd in self._handlers:
            self._poller.modify(fd, select.POLLIN | (select.POLLOUT if writing else 0))

    def remove(self, fd: int) -> None:
        """Do not wait for it any more; call before it is closed."""
        if self._handlers.pop(fd, None) is not None:
            self._resting.pop(fd, None)
            self._changes.discard(fd)
            self._poller.unregister(fd)

    def await_change(self, fd: int) -> None:
        """Tell of it once, when something changes: it has hung up, which is reported for ever otherwise.

        Without epoll(7) it is not looked at any more.
        """
        if not _EPOLL:
            self.remove(fd)
        elif fd in self._handlers and fd not in self._changes:  # asked for anew, it would be told at once
            self._resting.pop(fd, None)
            self._changes.add(fd)
            self._poller.modify(fd, select.POLLIN | select.EPOLLET)

    def await_data(self, fd: int) -> None:
        """Tell of it again as long as it is readable."""
        if fd in self._changes:
            self._changes.discard(fd)
            self._poller.modify(fd, select.POLLIN)

    def has(self, fd: int) -> bool:
        """True while it is waited for."""
        return fd in self._handlers

    def rest(self, fd: int, seconds: float) -> None:
        """Do not look whether it is readable for so long."""
        if fd in self._handlers:
            self._changes.discard(fd)
            self._resting[fd] = time.monotonic() + seconds
            self._poller.modify(fd, 0)

    def is_resting(self, fd: int) -> bool:
        """True while it rests."""
        return fd in self._resting

    def later(self, name: bytes, seconds: float, call: Callable[[], None]) -> None:
        """Call it once, so much later; there is one call of a name at a time, and the first one stays."""
        if name not in self._later:
            self._later[name] = time.monotonic() + seconds, call

    def forget(self, name: bytes) -> None:
        """Do not make that call."""
        self._later.pop(name, None)

    def wait(self) -> list[tuple[Callable[[int], None], int]]:
        """Sleep until something is ready: the handlers to call, each with its events."""
        try:
            events = self._poller.poll(self._timeout())
        except InterruptedError:
            events = []
        if self._resting:
            self._rouse()
        due = self._due() if self._later else []
        return [*due, *((self._guarded(fd), ready) for fd, ready in events)]

    def _timeout(self) -> float | None:
        if not self._resting and not self._later:
            return None
        first = min([*self._resting.values(), *(when for when, _ in self._later.values())])
        seconds = max(0.0, first - time.monotonic())
        return seconds if _EPOLL else seconds * 1000

    def _rouse(self) -> None:
        now = time.monotonic()
        for fd, until in list(self._resting.items()):
            if until <= now:
                del self._resting[fd]
                self._poller.modify(fd, select.POLLIN)

    def _due(self) -> list[tuple[Callable[[int], None], int]]:
        now = time.monotonic()
        names = [name for name, (when, _) in self._later.items() if when <= now]
        return [(_ignoring_events(self._later.pop(name)[1]), 0) for name in names]

    def _guarded(self, fd: int) -> Callable[[int], None]:
        # A handler that ran before in the same round may have removed this one, and its number may be another's by now.
        handler = self._handlers.get(fd)

        def call(ready: int) -> None:
            if handler is not None and self._handlers.get(fd) is handler:
                handler(ready)

        return call


def _ignoring_events(call: Callable[[], None]) -> Callable[[int], None]:
    return lambda ready: call()
