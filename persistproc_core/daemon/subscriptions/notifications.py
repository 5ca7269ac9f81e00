"""The lines that one subscription sends."""

from __future__ import annotations

from ..events.journal_file import Entry
from .connection import Deliver

__all__ = ["Notifications"]


class Notifications:
    """Sends what happens, each line whole, however long its reader takes."""

    def __init__(self, subscription: str, deliver: Deliver) -> None:
        self._deliver = deliver
        name = subscription.encode("ascii")
        self._output = b'{"jsonrpc":"2.0","method":"process_output","params":{"subscription":"%s",' % name
        self._event = b'{"jsonrpc":"2.0","method":"process_event","params":{"subscription":"%s","event":' % name

    async def output(self, body: bytes) -> None:
        """A process_output; see `feed.Piece.body`."""
        await self._deliver(b"%s%s}}\n" % (self._output, body))

    async def events(self, entries: list[Entry]) -> None:
        """A process_event for each."""
        await self._deliver(b"".join(b"%s%s}}\n" % (self._event, entry.line) for entry in entries))
