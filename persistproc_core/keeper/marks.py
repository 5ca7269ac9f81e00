"""The index of a run's log: which bytes were there at which time, and in which order the two streams grew.

A mark is 24 bytes, three big-endian numbers: wall time in nanoseconds, end of stdout, end of stderr. Bytes between two
marks came between their times; which stream came first inside one mark is not told. A mark is written when the other
stream begins to grow (that keeps the order, from a bucket of tokens so that a flood cannot fill the disk with marks)
and at most every 50 ms otherwise. What is not written yet is `due` at a certain time.
"""

from __future__ import annotations

import os
import time

from .fields import Fields, dump

__all__ = ["BOTH", "Marks"]

_INTERVAL = 50_000_000
_BURST = 4096
_MOST_BYTES = 8 * 1024 * 1024 // 24 * 24
_TOKEN = 1_000_000_000 // 1024
_COPY = 64 * 1024

BOTH = 2


class Marks:
    """Writes the marks of one run. Nothing here ever raises: a mark that cannot be written is only a coarser time."""

    __slots__ = ("_fd", "_filled", "_path", "_pending", "_stream", "_tokens", "_written")

    def __init__(self, directory: bytes) -> None:
        self._path = os.path.join(directory, b"marks")
        self._fd = -1
        self._tokens = _BURST
        self._filled = 0
        self._written = 0
        self._pending: tuple[int, int, int] | None = None
        self._stream = -1

    def dump(self) -> bytes:
        """For the program that takes our place; what is due must have been written."""
        return dump(tokens=self._tokens, filled=self._filled, written=self._written, stream=self._stream)

    def take(self, fields: Fields) -> None:
        """Go on from what was dumped."""
        self._tokens = fields.number("tokens", _BURST)
        self._filled = fields.number("filled")
        self._written = fields.number("written")
        self._stream = fields.number("stream", -1)

    def last(self) -> tuple[int, int]:
        """The offsets of the last mark, from the file."""
        try:
            with open(self._path, "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size // 24 * 24 - 24))
                mark = file.read(24)
        except OSError:
            return 0, 0
        return int.from_bytes(mark[8:16], "big"), int.from_bytes(mark[16:24], "big")

    def note(self, stream: int, stdout: int, stderr: int) -> None:
        """The log reaches to these offsets now, and ``stream`` (0 stdout, 1 stderr, `BOTH`) is what grew."""
        now = time.time_ns()
        if self._pending is not None and (
            now - self._pending[0] >= _INTERVAL
            or ((stream != self._stream or stream == BOTH) and self._take_token(now))
        ):
            self.flush()
        self._stream = stream
        self._pending = (now, stdout, stderr)
        if not 0 <= now - self._written < _INTERVAL:
            self.flush()

    @property
    def due(self) -> bool:
        """True while a mark waits to be written."""
        return self._pending is not None

    def _take_token(self, now: int) -> bool:
        gained = (now - self._filled) // _TOKEN
        if gained:
            # A clock that jumped back gives none, one that jumped forward a full bucket.
            self._tokens = max(self._tokens, min(_BURST, self._tokens + gained))
            self._filled = now
        if self._tokens == 0:
            return False
        self._tokens -= 1
        return True

    def flush(self) -> None:
        """Write the mark that is due."""
        if self._pending is None:
            return
        try:
            if self._fd < 0:
                self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
                torn = os.fstat(self._fd).st_size % 24
                if torn:
                    os.ftruncate(self._fd, os.fstat(self._fd).st_size - torn)
            if os.write(self._fd, b"".join(number.to_bytes(8, "big") for number in self._pending)) < 24:
                self.close()  # the disk is full: behind half a mark all later ones would be read askew
            elif os.lseek(self._fd, 0, os.SEEK_CUR) >= _MOST_BYTES:
                self._trim()
        except OSError:
            pass
        self._written = self._pending[0]
        self._pending = None

    def _trim(self) -> None:
        # A process that writes for ever must not fill the disk with marks; the newer half tells of what is kept.
        kept = _MOST_BYTES // 48 * 24
        fd = os.open(self._path + b".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(self._path, "rb") as file, open(fd, "wb") as shorter:
            file.seek(-kept, os.SEEK_END)
            while piece := file.read(_COPY):
                shorter.write(piece)
        os.rename(self._path + b".new", self._path)
        self.close()

    def close(self) -> None:
        """Close the descriptor; the next flush opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
