"""Standard input and output of the relay: one JSON message a line."""

from __future__ import annotations

import json
import os
from _thread import allocate_lock

from persistproc_core.framing import MAX_MESSAGE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Output", "lines_of"]

_CHUNK = 65536


def lines_of(fd: int) -> Iterator[bytes | None]:
    """The lines of a descriptor without their endings, empty ones left out; None for one that is too long.

    What follows a line that is too long is read again from the next newline on: one bad message ends no session.
    """
    buffer = bytearray()
    skipping = False
    while True:
        data = os.read(fd, _CHUNK)
        if not data:
            return
        buffer += data
        while (end := buffer.find(b"\n")) >= 0:
            line = bytes(buffer[:end]).strip()
            del buffer[: end + 1]
            if skipping or len(line) >= MAX_MESSAGE_BYTES:
                skipping = False
                yield None
            elif line:
                yield line
        if len(buffer) >= MAX_MESSAGE_BYTES:
            buffer.clear()
            skipping = True


class Output:
    """Writes messages to a descriptor; any number of threads may."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = allocate_lock()
        self.broken = False
        """Nobody reads any more."""

    def send(self, message: object) -> None:
        """Write a message."""
        self.send_text(json.dumps(message, separators=(",", ":")).encode())

    def send_text(self, text: bytes) -> None:
        """Write a message that is JSON already. In JSON a line break is mere space between two words."""
        rest = memoryview(text.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n")
        with self._lock:
            try:
                while rest:
                    rest = rest[os.write(self._fd, rest) :]
            except OSError:
                self.broken = True
