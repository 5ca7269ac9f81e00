"""HTTP/1.1 by uvicorn and h11, with a look at the peer before the first byte is read, and with deadlines."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any, cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from .. import log
from ..guard import limits
from ..guard.gate import Gate
from ..guard.peer import PEER, peer_of
from ..guard.refusal import Refusal
from .unread import Unread
from .websocket import WebSocketProtocol

__all__ = ["CONFIGURATION", "HttpProtocol"]

CONFIGURATION: dict[str, Any] = {
    "interface": "asgi3",
    "ws": WebSocketProtocol,
    # It would believe X-Forwarded-For of anything that calls from loopback.
    "proxy_headers": False,
    "server_header": False,
    "access_log": False,
    "log_config": None,
    "h11_max_incomplete_event_size": limits.MAX_HEAD_BYTES,
    "timeout_keep_alive": limits.IDLE_SECONDS,
    "ws_max_size": limits.MAX_FRAME_BYTES,
    # A small frame could stand for a large message.
    "ws_per_message_deflate": False,
}
"""What `uvicorn.Config` is told beside the application and ``http=HttpProtocol``. The application is the `Gate`."""


class HttpProtocol(H11Protocol):
    """One connection. Of a peer that may not call nothing is read, and nothing is written to it."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._gate = cast(Gate, config.app)
        self._admitted = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._unread: Unread

    # --- the connection -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        connection: socket.socket = transport.get_extra_info("socket")
        peer = peer_of(connection)
        if not self._gate.admits(peer):
            _seldom.warning("connection_refused", reason="another user", uid=peer.uid)
            # Reset at once: else each would leave a socket in TIME_WAIT here (socket(7), SO_LINGER).
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
            return
        if len(self.connections) >= limits.MAX_CONNECTIONS + (limits.RESERVED_CONNECTIONS if peer.unix else 0):
            _seldom.warning("connection_refused", reason="too many connections", limit=limits.MAX_CONNECTIONS)
            transport.write(_BUSY.as_bytes())
            transport.close()
            return
        self._admitted = True
        self._unread = Unread(transport, self.loop)
        # uvicorn copies this into the scope of every request, and hands it on to the WebSocket protocol.
        self.app_state = {**self.app_state, PEER: peer}
        super().connection_made(transport)
        self._watch_head(waiting=True)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._admitted:
            self._watch_head(waiting=False)
            self._unread.ended()
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._admitted:
            super().data_received(data)
            self._watch_head(waiting=self.conn.their_state is h11.IDLE)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # The client may have sent a part of its next request already; else uvicorn's own timer waits for it.
        self._watch_head(waiting=self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0]))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.began()

    def resume_writing(self) -> None:
        self._unread.ended()
        super().resume_writing()

    # --- deadlines ------------------------------------------------------------------------------------------------

    def _watch_head(self, *, waiting: bool) -> None:
        # Not begun anew when more of the same head comes in: a client that sends a byte a second would never end.
        if waiting and self._head_timer is None:
            self._head_timer = self.loop.call_later(limits.HEAD_SECONDS, self._head_is_late)
        elif not waiting and self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        log.info("refused", reason=_SLOW.code)
        self.transport.write(_SLOW.as_bytes())
        self.transport.close()

    # --- WebSockets -----------------------------------------------------------------------------------------------

    def _should_upgrade(self) -> bool:
        # Whoever asks in another way sends a request like any other (RFC 9110, section 7.8), and the guard looks at it.
        wanted = self._get_upgrade() == b"websocket"
        return wanted and self.scope["method"] == "GET" and self.scope["http_version"] == "1.1"

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._unread.ended()  # from here on it is the other protocol that is told
        super().handle_websocket_upgrade(event)

    # --- what is not HTTP -----------------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        """Answer what h11 does not take. uvicorn's own would raise in the middle of a response."""
        log.info("refused", reason=_NOT_HTTP.code)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            self.transport.write(_NOT_HTTP.as_bytes())
        else:
            if not cycle.response_started:
                self.transport.write(_NOT_HTTP.as_bytes())
            # Its request is over: what it sends must not come after this answer.
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()


_seldom = log.Seldom()
_BUSY = Refusal(503, "too_busy", "Too many connections.", "Close some, and try again in a moment.")
_SLOW = Refusal(408, "too_slow", f"The headers did not arrive within {limits.HEAD_SECONDS:g} s.")
_NOT_HTTP = Refusal(400, "not_http", "This is not an HTTP/1.1 request, or its headers are too long.")
