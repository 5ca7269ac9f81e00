"""WebSockets by uvicorn and websockets, with the same deadlines as HTTP."""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from .. import log
from ..guard.refusal import Refusal
from .unread import Unread

__all__ = ["WebSocketProtocol"]


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection, from the handshake on; `HttpProtocol` has looked at its peer."""

    _unread: Unread

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._unread = Unread(cast(asyncio.Transport, transport), self.loop)
        if self.transport.get_write_buffer_size():
            # Of an answer before: who was told of it was `HttpProtocol`, and nobody is told twice.
            self.pause_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unread.ended()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # The whole head was there, so that it was not taken means that it never will be: a body, a line that is too
        # long. The library would leave the connection open, without an answer and without an end.
        if not self.handshake_initiated and not self.transport.is_closing():
            log.info("refused", reason=_NO_HANDSHAKE.code)
            self.transport.write(_NO_HANDSHAKE.as_bytes())
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code != 101:
            log.info("refused", reason=_NO_HANDSHAKE.code, status=self.response.status_code)

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            # Else the library logs an error for each handshake that is refused.
            self.handshake_complete = True

    def handle_ping(self) -> None:
        # Pongs that are not read would pile up here, as fast as pings come.
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.began()

    def resume_writing(self) -> None:
        self._unread.ended()
        super().resume_writing()


_NO_HANDSHAKE = Refusal(400, "bad_handshake", "This is no handshake of a WebSocket (RFC 6455, section 4.1).")
