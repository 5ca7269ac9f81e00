"""The body of a request, read whole before any route sees it: bounded in size, time and depth."""

from __future__ import annotations

from contextlib import suppress

from anyio import move_on_after
from starlette.types import Message, Receive

from persistproc_core.errors import InvalidRequest, ParseError
from persistproc_core.framing import MAX_DEPTH, decode

from . import limits
from .refusal import Refusal
from .rules import too_large

__all__ = ["Body", "Gone"]


class Gone(Exception):
    """The client went away before it had sent its body."""


class Body:
    """The body of one request, which comes in by ``receive``."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False

    async def read(self) -> bytes | Refusal:
        """All of it, or why it is refused. Raises `Gone`."""
        with move_on_after(limits.BODY_SECONDS):
            return await self._read()
        self._ended = True  # the rest was waited for long enough
        return Refusal(408, "too_slow", f"The body did not arrive within {limits.BODY_SECONDS:g} s.")

    async def discard(self) -> None:
        """Take what is left of it, for a moment, after it was refused.

        A connection that is closed with unread bytes is reset, and the client may lose the answer (RFC 9112, 9.6).
        """
        taken = 0
        with move_on_after(limits.LINGER_SECONDS), suppress(Gone):
            while not self._ended and taken < limits.LINGER_BYTES:
                taken += len(await self._next())

    async def _read(self) -> bytes | Refusal:
        body = bytearray()
        while not self._ended:
            body += await self._next()
            if len(body) > limits.MAX_BODY_BYTES:
                return too_large()
        return _check(bytes(body))

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Gone
        self._ended = not message.get("more_body", False)
        part: bytes = message.get("body", b"")
        return part

    def again(self, body: bytes) -> Receive:
        """A ``receive`` that brings the body once more, and after that what comes."""
        first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_again() -> Message:
            return first.pop() if first else await self._receive()

        return receive_again


def _check(body: bytes) -> bytes | Refusal:
    # In UTF-16 a parser would see brackets that are counted wrongly here (RFC 8259, section 8.1: it is UTF-8).
    if b"\0" in body:
        return Refusal(400, "not_utf8", "The body must be JSON in UTF-8.")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return Refusal(400, "not_utf8", "The body must be JSON in UTF-8.")
    # Parsers recurse: deep nesting ends as an exception in their depths. A rare body has so many brackets at all.
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        try:
            decode(body)
        except InvalidRequest as error:
            return Refusal(
                400, "nested_too_deep", f"{error.message[:1].upper()}{error.message[1:]}.", "Send less deep."
            )
        except ParseError:
            pass  # the route says so in its own way
    return body
