"""Lines out of a stream of pieces, for those who look at each line once: a search, a wait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .segments import Piece
from .text import plain_text

__all__ = ["LineAssembler"]

_LONGEST = 64 * 1024


class LineAssembler:
    """Keeps the beginning of a line until its end comes; a line without end is handed out every 64 KiB."""

    def __init__(self) -> None:
        self._open: dict[str, bytes] = {}

    def feed(self, pieces: Iterable[Piece]) -> Iterator[str]:
        """The lines that are complete now, as plain text."""
        for stream, data in pieces:
            *whole, rest = (self._open.pop(stream, b"") + data).split(b"\n")
            for line in whole:
                yield plain_text(line)[0]
            if len(rest) > _LONGEST:
                yield plain_text(rest)[0]
            elif rest:
                self._open[stream] = rest

    def partial(self) -> list[str]:
        """What has no line ending yet."""
        return [plain_text(rest)[0] for rest in self._open.values()]
