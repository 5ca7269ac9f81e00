"""Reading for a long time from a hub that may be restarted, stopped or killed meanwhile.

A daemon that ends on purpose removes its socket; one that was killed leaves it behind. So a socket that nobody answers
on means a crash: start a daemon, and go on where we were. No socket at all means that somebody stopped the daemon:
whoever starts it again just because he was looking undoes that at once.
"""

from __future__ import annotations

import os
import time

from persistproc_core.errors import DaemonUnavailable, ShuttingDown

from .daemon import wait_until_gone
from .locks import holder

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
# `daemon restart` is a stop and a start; on a busy machine the start is known by its lock and may take longer.
_RESTART_SECONDS = 3.0
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

    def _find_daemon(self) -> None:
        with self._interruptible:
            # It closes its connections first and removes its socket then; the look at the socket must come last.
            wait_until_gone(self._daemon)
        begun = time.monotonic()
        while not os.path.lexists(self._home.socket):
            elapsed = time.monotonic() - begun
            if elapsed > _START_SECONDS or (elapsed > _RESTART_SECONDS and not holder(self._home.start_lock)):
                raise HubStopped("the daemon was stopped meanwhile", hint="run: persistproc daemon start")
            with self._interruptible:
                time.sleep(_PAUSE)
        with self._interruptible:
            self._starter.connect()
            time.sleep(_PAUSE)
