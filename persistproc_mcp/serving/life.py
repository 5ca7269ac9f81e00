"""What the process does that serves: find the daemon, import the application, answer until a signal ends it."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable

from persistproc_core.client.sync import Client
from persistproc_core.errors import InternalError, PersistprocError
from persistproc_core.paths import Home

from .. import log
from ..settings import About, DaemonAbout, Settings, about
from .files import Files
from .watch import HandOver

__all__ = ["live"]


def live(
    settings: Settings,
    listeners: list[socket.socket],
    files: Files,
    tell: Callable[[About], None],
    hand_over: HandOver,
    *,
    how_the_last_ended: str,
    foreground: bool,
) -> None:
    """Serve on the sockets and that of the files; ``tell`` is called when requests are answered.

    ``hand_over`` is given the files that were made again. When no more requests are wanted, the socket's file is
    removed. Raises `PersistprocError`: nobody else is served then.
    """
    with log.log_to(settings.home.bridge_log, warnings_to=sys.stderr if foreground else None):
        if how_the_last_ended:
            log.warning("bridge.restarted", ended=how_the_last_ended)
        try:
            _serve(settings, listeners, files, tell, hand_over, first=not how_the_last_ended)
        except PersistprocError:
            raise
        except Exception as error:
            log.exception("bridge.defect", error)
            hint = f"see {settings.home.bridge_log}, and please report it"
            raise InternalError(f"the bridge has failed: {type(error).__name__}", hint=hint) from None


class _Daemon(threading.Thread):
    """Finds or starts the daemon while the application is imported: each takes its second."""

    def __init__(self, home: Home) -> None:
        super().__init__(daemon=True)
        self._home = home
        self._found: DaemonAbout | None = None
        self.error: PersistprocError | None = None
        self.start()

    def run(self) -> None:
        try:
            with Client(home=self._home.path, name="persistproc-bridge") as client:
                self._found = {"pid": client.hello["pid"], "version": client.hello["version"]}
        except PersistprocError as error:
            self.error = error

    def found(self) -> DaemonAbout | None:
        """What was found; None when there is none and none could be started, which `error` tells."""
        self.join()
        return self._found


def _serve(
    settings: Settings,
    listeners: list[socket.socket],
    files: Files,
    tell: Callable[[About], None],
    hand_over: HandOver,
    *,
    first: bool,
) -> None:
    daemon = _Daemon(settings.home)
    # Late: this takes a second, and who asks for a port that is taken need not wait for it.
    import anyio

    from ..app import application
    from ..hub import Hub
    from .server import serve
    from .upkeep import Upkeep

    document = about(settings, daemon.found())
    if first and daemon.error is not None:
        # Later on it is the calls that say so: a bridge that is there may find the next daemon.
        raise daemon.error

    async def ready() -> None:
        log.info("bridge.serving", pid=os.getpid(), url=settings.url, socket=settings.home.bridge_socket)
        tell(document)

    async def main() -> None:
        hub = Hub(settings.home)

        def end() -> None:
            # Who comes when it has ended finds no socket, and starts the next bridge.
            files.remove()
            hub.ending.set()

        upkeep = Upkeep(settings.home, files, hand_over)
        await serve(application(settings, hub), [*listeners, files.unix.socket], ready, end, upkeep.run)

    anyio.run(main, backend="asyncio")
    log.info("bridge.ended", pid=os.getpid())
