"""Waiting for descriptors: epoll where there is one (a thousand runs), else poll; each has one handler.

A descriptor can *rest*: it is not looked at for a moment. A child that writes line after line would otherwise wake the
keeper for each of them, and both would spend their time on that. Nothing rests unless there was something to read, so
an idle keeper has no timer.
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
        self._poller = select.epoll() if _EPOLL else select.poll()

    def add(self, fd: int, handler: Callable[[int], None]) -> None:
        """Call ``handler(events)`` whenever ``fd`` is readable or hung up."""
        self._handlers[fd] = handler
        self._poller.register(fd, select.POLLIN)

    def change(self, fd: int, *, writing: bool) -> None:
        """Wait until it is writable as well, or no longer."""
        if fd in self._handlers:
            self._poller.modify(fd, select.POLLIN | (select.POLLOUT if writing else 0))

    def remove(self, fd: int) -> None:
        """Do not wait for it any more; call before it is closed."""
        if self._handlers.pop(fd, None) is not None:
            self._resting.pop(fd, None)
            self._poller.unregister(fd)

    def rest(self, fd: int, seconds: float) -> None:
        """Do not look whether it is readable for so long."""
        if fd in self._handlers:
            self._resting[fd] = time.monotonic() + seconds
            self._poller.modify(fd, 0)

    def is_resting(self, fd: int) -> bool:
        """True while it rests."""
        return fd in self._resting

    def wait(self) -> list[tuple[Callable[[int], None], int]]:
        """Sleep until something is ready: the handlers to call, each with its events."""
        try:
            events = self._poller.poll(self._timeout())
        except InterruptedError:
            events = []
        if self._resting:
            self._rouse()
        return [(self._guarded(fd), ready) for fd, ready in events]

    def _timeout(self) -> float | None:
        if not self._resting:
            return None
        seconds = max(0.0, min(self._resting.values()) - time.monotonic())
        return seconds if _EPOLL else seconds * 1000

    def _rouse(self) -> None:
        now = time.monotonic()
        for fd, until in list(self._resting.items()):
            if until <= now:
                del self._resting[fd]
                self._poller.modify(fd, select.POLLIN)

    def _guarded(self, fd: int) -> Callable[[int], None]:
        # A handler that ran before in the same round may have removed this one, and its number may be another's by now.
        handler = self._handlers.get(fd)

        def call(ready: int) -> None:
            if handler is not None and self._handlers.get(fd) is handler:
                handler(ready)

        return call
