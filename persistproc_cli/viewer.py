"""Reading for a long time from a hub that may be restarted, stopped or killed meanwhile.

A daemon that was killed is started again, and we go on where we were; one that somebody stopped is waited for and left
alone (see `persistproc_core.client.resuming`).
"""

from __future__ import annotations

import time

from persistproc_core.client.resuming import Search
from persistproc_core.errors import DaemonUnavailable, ShuttingDown

from .daemon import wait_until_gone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import TypeVar

    from persistproc_core.client.sync import Client

    from .context import Context

    Reply = TypeVar("Reply")

__all__ = ["HubStopped", "Viewer"]

_TRIES = 5
_START_SECONDS = 20.0
_PAUSE = 0.05


class HubStopped(DaemonUnavailable):
    """Somebody stopped the daemon while we were reading, and it did not come back."""


class Viewer:
    """Reads with a client that starts no daemon; ``starter`` is the one that may.

    ``interruptible`` is entered around everything that waits.
    """

    def __init__(self, context: Context, starter: Client, interruptible: AbstractContextManager[None]) -> None:
        self._home = context.home()
        self._starter = starter
        self._interruptible = interruptible
        self._reader = context.connect(autostart=False)
        self._daemon = starter.hello["pid"]

    def read(self, call: Callable[[Client], Reply]) -> Reply:
        """What ``call`` returns, asked again when the daemon was replaced. Raises `HubStopped`."""
        for tried in range(1, _TRIES + 1):
            try:
                with self._interruptible:
                    self._daemon = self._reader.hello["pid"]
                    return call(self._reader)
            except (DaemonUnavailable, ShuttingDown):
                if tried == _TRIES:
                    raise
            self._find_daemon()
        raise AssertionError("unreachable")

    def pause(self, seconds: float) -> None:
        """Sleep, and be interruptible."""
        with self._interruptible:
            time.sleep(seconds)

    def _find_daemon(self) -> None:
        with self._interruptible:
            # It closes its connections first and removes its socket then; the look at the socket must come last.
            gone = wait_until_gone(self._daemon)
        search = Search(self._home, self._daemon, autostart=True, seconds=_START_SECONDS)
        while gone and not self._may_start(search):
            self.pause(_PAUSE)
        with self._interruptible:
            self._starter.connect()
        self.pause(_PAUSE)

    def _may_start(self, search: Search) -> bool:
        try:
            return search.may_start()
        except DaemonUnavailable:
            raise HubStopped("the daemon was stopped meanwhile", hint="run: persistproc daemon start") from None
