"""Waiting for somebody to listen on a TCP port: the kernel has no event for that, so it is asked, often and cheaply."""

from __future__ import annotations

import threading
import time

import anyio
import anyio.to_thread

from .sock_diag import SocketTable

__all__ = ["PortWatch"]

_SHORTEST = 0.005
_LONGEST = 0.05
_GROWTH = 0.0015
"""Seconds of pause for each second waited: after half a minute the pause is the longest."""
_WHOLE_EVERY = 8


class PortWatch:
    """Watches the listeners of one port, or of all (0), in our network namespace. Close it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._began = time.monotonic()
        self._limiter = anyio.CapacityLimiter(1)  # of its own: the daemon's other threads must not wait for this one
        self._closed = False
        # A lock with a timeout is the cheapest sleep that can be ended; it is held whenever nobody kicks.
        self._kicked = threading.Lock()
        self._kicked.acquire()
        self.works = _sockets(port) is not None
        """False where the kernel does not answer such questions (macOS, a sandbox)."""

    def sockets(self) -> frozenset[bytes]:
        """The inodes of the sockets that listen there. Some 50 us, never blocks."""
        return _sockets(self._port) or frozenset()

    async def wait_changed(self, seen: frozenset[bytes], within: float) -> frozenset[bytes]:
        """Wait until other sockets listen than those seen, at most so many seconds; which ones.

        The kernel is asked every 5 ms at first, every 50 ms after half a minute. In a thread: with the timers of the
        event loop this would cost several times as much.
        """
        until = time.monotonic() + within
        return await anyio.to_thread.run_sync(self._watch, seen, until, abandon_on_cancel=True, limiter=self._limiter)

    def _watch(self, seen: frozenset[bytes], until: float) -> frozenset[bytes]:
        try:
            # The thread's own: one that is left behind may still use it when the watch is closed.
            with SocketTable() as table:
                return self._watch_in(table, seen, until)
        except OSError:
            self.works = False
            return seen

    def _watch_in(self, table: SocketTable, seen: frozenset[bytes], until: float) -> frozenset[bytes]:
        tick = 0
        heard = self._quick(table)
        while not self._closed:
            before, heard = heard, self._quick(table)
            if heard != before or tick % _WHOLE_EVERY == 0 or self._port == 0:
                sockets = frozenset(table.listening(self._port))
                if sockets != seen:
                    return sockets
            now = time.monotonic()
            if now >= until:
                break
            tick += 1
            pause = min(_SHORTEST + (now - self._began) * _GROWTH, _LONGEST, until - now)
            if self._kicked.acquire(timeout=pause):
                tick = 0
        return seen

    def _quick(self, table: SocketTable) -> tuple[bytes, ...]:
        """What most listeners of one port are seen by; for all ports there is no quicker question than the whole."""
        return table.local_listeners(self._port) if self._port else ()

    def kick(self) -> None:
        """Ask now."""
        if self._kicked.locked():
            self._kicked.release()

    def close(self) -> None:
        """End the watch. Closing twice is fine."""
        self._closed = True
        self.kick()


def _sockets(port: int) -> frozenset[bytes] | None:
    try:
        with SocketTable() as table:
            return frozenset(table.listening(port))
    except OSError:
        return None
