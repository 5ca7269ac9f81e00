"""The guard: looks at each request before any route does."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Receive, Scope, Send

from .. import log
from ..settings import Settings
from . import limits
from .addresses import Addresses
from .answering import Answering
from .body import Body, Gone
from .peer import PEER, Peer
from .refusal import Refusal
from .rules import Head, check

__all__ = ["Gate"]


class Gate:
    """An ASGI application around another one.

    The order: who (the peer of the connection, see `admits`, before a byte is read), then the head, then how much is
    under way, then the body. What it refuses no route has seen.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._token = settings.token
        self._addresses = Addresses(settings)
        self._under_way = 0

    def admits(self, peer: Peer) -> bool:
        """Whether the peer of a new connection may send a request at all: our own user, or whoever has a token."""
        return peer.is_ours or (self._token is not None and not peer.unix)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it. Raises nothing: what a route raises is logged and answered with 500."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        # How the protocol hands it over, see `serving.http`; both HTTP and WebSocket scopes have a copy.
        peer = scope.get("state", {}).pop(PEER, None)
        scope[PEER] = peer
        answering = Answering(scope, send)
        began = time.monotonic()
        self._under_way += 1
        try:
            await self._answer(scope, receive, answering, peer)
        except Gone:
            pass
        except Exception as error:
            # Also a group of them, from a task group.
            log.exception("defect", error, path=scope["path"][:_SHOWN])
            await answering.fail()
        finally:
            self._under_way -= 1
            _tell(scope, answering, time.monotonic() - began)

    def _look(self, scope: Scope, peer: Peer | None) -> Refusal | None:
        # Without a peer the request came past `HttpProtocol`: nothing is known of who sends it.
        if peer is None or not self.admits(peer):
            return Refusal(403, "foreign_user", "Only the user that persistproc runs as may call it.")
        refusal = check(Head.of(scope, unix=peer.unix), self._addresses, self._token)
        most = limits.MAX_REQUESTS + (limits.RESERVED_REQUESTS if peer.unix else 0)
        if refusal is None and self._under_way > most:
            hint = "End some streams, and try again in a moment."
            return Refusal(503, "too_busy", "Too many requests at the same time.", hint, headers=_RETRY)
        return refusal

    async def _answer(self, scope: Scope, receive: Receive, answering: Answering, peer: Peer | None) -> None:
        refusal = self._look(scope, peer)
        if scope["type"] != "http":
            if refusal is None:
                await self._app(scope, receive, answering.send)
            else:
                await answering.refuse(refusal)
            return
        body = Body(receive)
        whole = await body.read() if refusal is None else refusal
        if isinstance(whole, Refusal):
            await answering.refuse(whole, body)
        else:
            await self._app(scope, body.again(whole), answering.send)


_SHOWN = 200
_SHOWN_METHOD = 20
_RETRY = ((b"retry-after", b"1"),)


def _tell(scope: Scope, answering: Answering, seconds: float) -> None:
    # Not whole: requests that are refused must not push what the log has of others out of it.
    method = scope.get("method", "WEBSOCKET")[:_SHOWN_METHOD]
    facts = {"method": method, "path": scope["path"][:_SHOWN], "status": answering.status or "none"}
    if answering.refusal is None:
        log.info("request", **facts, ms=round(seconds * 1000))
    else:
        log.info("refused", **facts, reason=answering.refusal.code)
