"""Which requests are answered with one JSON object, and which may need a stream.

A stream carries progress, keeps the connection in use while a tool waits, and cancels the call when the client closes
it. A tool that only looks something up needs none of that, and the SDK takes a millisecond to set it up.
"""

from __future__ import annotations

import json

from starlette.types import Message, Receive

from ..tools.declared import TOOLS
from ..tools.wait import wait_for_process

__all__ = ["Peeked", "peek"]

_LOOK_UP = frozenset(name for name, tool in TOOLS.items() if tool.read_only and tool.run is not wait_for_process)


class Peeked:
    """What a request asks for, and its body once more."""

    def __init__(self, first: Message, receive: Receive) -> None:
        self._first: list[Message] = [first]
        self._receive = receive
        self.is_look_up = not first.get("more_body", False) and _is_look_up(first.get("body", b""))
        """Whether it calls a tool that answers at once."""

    async def receive(self) -> Message:
        """As the ``receive`` that was looked into."""
        return self._first.pop() if self._first else await self._receive()


async def peek(receive: Receive) -> Peeked:
    """Look into the body of a request; the guard hands it over whole."""
    return Peeked(await receive(), receive)


def _is_look_up(body: bytes) -> bool:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return False  # the SDK says so in its own way
    if not isinstance(message, dict) or message.get("method") != "tools/call" or "id" not in message:
        return False
    params = message.get("params")
    name = params.get("name") if isinstance(params, dict) else None
    return isinstance(name, str) and name in _LOOK_UP
