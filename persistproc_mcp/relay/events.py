"""Server-sent events (WHATWG HTML, section 9.2): bytes in pieces to the data of each event."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["data_of"]


def data_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The data of each event as soon as it is complete; comments and other fields are left out."""
    buffer = bytearray()
    data: list[bytes] = []
    for piece in pieces:
        buffer += piece
        while (end := buffer.find(b"\n")) >= 0:
            # Lines may also end in a carriage return alone; nobody who makes events by program does that.
            line = bytes(buffer[:end]).rstrip(b"\r")
            del buffer[: end + 1]
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
            elif not line and data:
                yield b"\n".join(data)
                data.clear()
