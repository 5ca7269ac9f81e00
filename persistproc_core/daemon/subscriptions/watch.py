"""One subscription to events. It has no queue of its own: the journal is read by sequence number."""

from __future__ import annotations

from collections.abc import Callable

from ..events.journal import Entry, Journal
from .connection import Deliver
from .notifications import Notifications

__all__ = ["Watch"]

_AT_ONCE = 100
_TOO_SLOW = "more has happened than is kept while nobody read; subscribe again"


class Watch:
    """Tells the events that it wants, from a sequence number on."""

    def __init__(
        self, journal: Journal, after: int, kinds: frozenset[str] | None, wants: Callable[[Entry], bool]
    ) -> None:
        self._journal = journal
        self._after = after
        self._kinds = kinds
        self._wants = wants
        self._quitting = False
        self._began = False
        """Before that, what is missed is told by the reply."""

    async def serve(self, name: str, deliver: Deliver) -> str | None:
        """Tell until the daemon ends (None), or the reader is too far behind. Raises `PeerGone`."""
        out = Notifications(name, deliver)
        with self._journal.watching(self._kinds):
            while True:
                changed = self._journal.changed
                found = self._journal.after(self._after)
                entries = found.entries[:_AT_ONCE]
                if found.missed and self._began:
                    return _TOO_SLOW
                self._began = True
                if entries:
                    self._after = entries[-1].sequence
                    wanted = [entry for entry in entries if self._is_wanted(entry)]
                    if wanted:
                        await out.events(wanted)
                elif self._quitting:
                    return None
                else:
                    await changed.wait()

    def _is_wanted(self, entry: Entry) -> bool:
        return (self._kinds is None or entry.kind in self._kinds) and self._wants(entry)

    def quit(self) -> None:
        """End when everything up to now is told. The journal is to be rung afterwards."""
        self._quitting = True
