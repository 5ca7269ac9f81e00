"""One stream of one run: its FIFO, and the log that the FIFO is drained into.

Bytes leave the FIFO by splice(2), which takes them out of the pipe only as far as they are in the file; a kill -9
between reading and writing would lose them.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys

from .fields import Fields, dump
from .segments import DEFAULT_KEEP_BYTES, Segments

__all__ = ["WIDE", "Capture"]

_FIONREAD = 0x541B if os.uname().sysname == "Linux" else 0x4004667F
_CHUNK = 256 * 1024

WIDE = 64 * 1024
"""A drain of this much found a FIFO of the usual size full."""

_F_SETPIPE_SZ = 1031
_NOW = 2  # SPLICE_F_NONBLOCK


class Capture:
    """Drains one FIFO into `log`. `fd` is what to wait for: its reading end, or -1 when there is none."""

    __slots__ = ("_held", "_source", "_splice", "_wide", "fd", "log", "starved")

    is_terminal = False

    def __init__(self, directory: bytes, stream: bytes, least: int = 0, keep: int = DEFAULT_KEEP_BYTES) -> None:
        """Open the FIFO ``<directory>/<stream>`` for reading and find the end of its log, ``least`` or beyond.

        Raises `OSError` when the FIFO is not there.
        """
        self._begin(Segments(directory, stream, least, keep))
        self._source = self._open(os.path.join(directory, stream))
        self.fd = self._source

    def _begin(self, log: Segments) -> None:
        self.log = log
        self._held = b""
        self._splice = hasattr(os, "splice")
        self.starved = False
        """True after a drain that found no descriptor free; the bytes are where they were."""
        self._wide = False
        self.fd = self._source = -1

    def dump(self) -> bytes:
        """For the program that takes our place."""
        return dump(fd=self.fd, source=self._source, held=self._held, wide=int(self._wide), log=self.log.dump())

    @classmethod
    def of(cls, directory: bytes, stream: bytes, fields: Fields) -> Capture:
        """What was dumped, with the same descriptors."""
        self = cls.__new__(cls)
        self._begin(Segments.of(directory, stream, Fields(fields.text("log"))))
        self._held = fields.text("held")
        self._wide = bool(fields.number("wide"))
        self.fd, self._source = fields.number("fd", -1), fields.number("source", -1)
        return self

    def _open(self, path: bytes) -> int:
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    @property
    def held(self) -> list[int]:
        """The descriptors that must stay open when we die."""
        return [self._source] if self._source >= 0 else []

    @property
    def descriptors(self) -> set[int]:
        """All that is open but the log."""
        return {self.fd, self._source} - {-1}

    @property
    def offset(self) -> int:
        """The end of the log."""
        return self.log.offset

    def drain(self) -> int:
        """Move what is there, up to one chunk, into the log.

        Returns how many bytes, 0 when there is nothing now, -1 at the end (no writer is left, nothing can come).
        """
        self.starved = False
        while self.fd >= 0:
            try:
                return self._move(_CHUNK) or -1
            except BlockingIOError:
                return 0
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    self.starved = True
                    return 0
                # The log cannot be written (disk full, folder gone): the oldest output goes first, and no child waits.
                if not self.log.give_way():
                    return self._drop()
        return -1

    def take(self, count: int) -> int:
        """Move so many bytes, which are there, into the log; fewer when there is no descriptor. Returns how many."""
        total = 0
        while total < count:
            moved = self.drain()
            if moved <= 0:
                break
            total += moved
        return total

    def present(self) -> int:
        """How many bytes are in the FIFO at this moment."""
        return self._waiting(self._source)

    def _waiting(self, fd: int) -> int:
        if fd < 0:
            return 0
        return len(self._held) + int.from_bytes(fcntl.ioctl(fd, _FIONREAD, bytes(4)), sys.byteorder)

    def drain_present(self) -> int:
        """Move what is in the FIFO at this moment; what a writer adds meanwhile may stay. Returns how many bytes."""
        return self.take(self.present())

    def widen(self) -> None:
        """Make room for 256 KiB: in 64 KiB, a child that floods and the keeper wait for each other all the time.

        Not for every FIFO: a user's pipes share one allowance (pipe-user-pages-soft, pipe(7)), and beyond it all new
        pipes of that user are tiny. Larger ones are slower again; they fall out of the processor's cache.
        """
        if not self._wide:
            self._wide = True
            self._resize(_CHUNK)

    def narrow(self) -> None:
        """Give the room back."""
        if self._wide:
            self._wide = False
            self._resize(WIDE)

    def _resize(self, size: int) -> None:
        try:
            fcntl.fcntl(self._source, _F_SETPIPE_SZ, size)
        except (OSError, ValueError):
            pass  # not Linux, over the allowance, or more in it than would fit

    def _move(self, most: int) -> int:
        self.log.check()
        if not self._splice or self._held:
            return self._copy(most)
        if not self.log.room:
            if not self._waiting(self._source):
                # The end, or nothing: a silent child needs no file. Should a byte come just now, it goes where it must.
                return self._copy(1)
            self.log.open()
        try:
            return self.log.wrote(os.splice(self._source, self.log.fd, min(self.log.room, most), flags=_NOW))
        except OSError as error:
            if error.errno != errno.EINVAL:  # this file system cannot be spliced to
                raise
            self._splice = False
        return self._copy(most)

    def _copy(self, most: int) -> int:
        # Where there is no splice(2): a kill -9 between these two calls loses the chunk.
        if not self._held:
            self._held = os.read(self._source, most)
        total = len(self._held)
        while self._held:
            if not self.log.room:
                self.log.open()
            self._held = self._held[self.log.write(self._held) :]
        return total

    def _drop(self) -> int:
        try:
            data = self._held or os.read(self._source, _CHUNK)
        except BlockingIOError:
            return 0
        self._held = b""
        self.log.gap(len(data))
        return len(data) or -1

    def close(self) -> None:
        """Close everything."""
        self.log.close()
        for fd in self.descriptors:
            os.close(fd)
        self.fd = self._source = -1
