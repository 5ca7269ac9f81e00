"""uvicorn, on our sockets and by our signals: it ends within two seconds, whatever is under way."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Generator

import anyio
import uvicorn
from starlette.types import ASGIApp

from .http import CONFIGURATION, HttpProtocol

__all__ = ["ServeOn", "ServingFailed", "serve"]

ServeOn = Callable[[socket.socket], Awaitable[None]]
"""Accepts connections there."""

_GRACE_SECONDS = 1
"""What a call under way has to come to its end. A stream never does, so it is cut off after it."""

_LIMIT_SECONDS = 1.8
"""When the process ends, counted from the signal, should something of it hang."""

_TICK_SECONDS = 1.0


class ServingFailed(Exception):
    """The application did not start; what the log says before tells why."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._ready = ready
        self._end = anyio.Event()
        self.up = anyio.Event()

    def end(self) -> None:
        self.should_exit = True
        self._end.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        # uvicorn's own way raises the signal once more at the end: we would die of it instead of returning.
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            await self._ready()
            self.up.set()

    async def serve_on(self, listener: socket.socket) -> None:
        """Accept there, and no more at the last of the sockets that we were given."""
        if self.should_exit:
            return
        loop = asyncio.get_running_loop()
        again = await loop.create_server(self._connection, sock=listener, backlog=self.config.backlog)
        self.servers, former = [*self.servers[:-1], again], self.servers[-1]
        former.close()

    def _connection(self) -> HttpProtocol:
        return HttpProtocol(self.config, self.server_state, self.lifespan.state)

    async def main_loop(self) -> None:
        # uvicorn's own loop wakes ten times a second, for ever; this one is for the Date header alone.
        while not await self.on_tick(0):
            with anyio.move_on_after(_TICK_SECONDS):
                await self._end.wait()


async def serve(
    app: ASGIApp,
    listeners: list[socket.socket],
    ready: Callable[[], Awaitable[None]],
    ending: Callable[[], None],
    beside: Callable[[ServeOn], Awaitable[None]],
) -> None:
    """Serve until SIGTERM or SIGINT (or SIGHUP, where it is not ignored).

    ``ready`` is awaited when requests are answered, ``ending`` called when no new ones are wanted. ``beside`` runs
    meanwhile, and may give a socket to be served in place of the last listener. Raises `ServingFailed`.
    """
    server = _Server(_config(app), ready)
    async with anyio.create_task_group() as group:
        group.start_soon(_end_at_signal, server, ending)
        group.start_soon(_run_beside, server, beside)
        try:
            await server.serve(sockets=listeners)
        except SystemExit:
            # How uvicorn says that the lifespan could not be entered.
            raise ServingFailed from None
        group.cancel_scope.cancel()


async def _run_beside(server: _Server, beside: Callable[[ServeOn], Awaitable[None]]) -> None:
    await server.up.wait()
    await beside(server.serve_on)


async def _end_at_signal(server: _Server, ending: Callable[[], None]) -> None:
    wanted = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        wanted.append(signal.SIGHUP)
    with anyio.open_signal_receiver(*wanted) as signals:
        async for _ in signals:
            if server.should_exit:
                # The second Ctrl-C: whoever presses it does not want to wait.
                server.force_exit = True
            else:
                _end_for_certain()
                ending()
            server.end()


def _end_for_certain() -> None:
    # A thread that hangs in a file system would keep the interpreter from ending, and whoever stops us waiting.
    timer = threading.Timer(_LIMIT_SECONDS, os._exit, (0,))
    timer.daemon = True
    timer.start()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app, http=HttpProtocol, lifespan="on", timeout_graceful_shutdown=_GRACE_SECONDS, **CONFIGURATION
    )
