"""One stream of one run: its FIFO, and the log segments that the FIFO is drained into.

A segment's name is the stream offset of its first byte, so offsets never go backwards and survive every restart: what a
new keeper needs to know is the last segment's name and size. Bytes leave the FIFO by splice(2), which takes them out of
the pipe only as far as they are in the file; a kill -9 between reading and writing would lose them.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys

__all__ = ["DEFAULT_KEEP_BYTES", "SEGMENT_BYTES", "WIDE", "Capture"]

SEGMENT_BYTES = 4 * 1024 * 1024
"""A segment is closed at this size."""

DEFAULT_KEEP_BYTES = 64 * 1024 * 1024
"""Of each stream at least this much is kept; whole segments beyond it are deleted, oldest first."""

_FIONREAD = 0x541B if os.uname().sysname == "Linux" else 0x4004667F
_CHUNK = 256 * 1024

WIDE = 64 * 1024
"""A drain of this much found a FIFO of the usual size full."""

_F_SETPIPE_SZ = 1031


class Capture:
    """Drains one FIFO. `fd` is its reading end, or -1 when it is closed."""

    __slots__ = (
        "_directory",
        "_keep",
        "_segment",
        "_size",
        "_splice",
        "_starts",
        "_stream",
        "_wide",
        "fd",
        "offset",
        "starved",
    )

    def __init__(self, directory: bytes, stream: bytes, least: int = 0, keep: int = DEFAULT_KEEP_BYTES) -> None:
        """Open the FIFO ``<directory>/<stream>`` for reading and find the end of its log, ``least`` or beyond.

        Raises `OSError` when the FIFO is not there.
        """
        self._directory = directory
        self._stream = stream
        self._keep = keep
        self._segment = -1
        self._splice = hasattr(os, "splice")
        self._starts = sorted(self._find_segments())
        self._size = os.stat(self._path(self._starts[-1])).st_size if self._starts else 0
        # A former keeper may have marked a gap (disk full) after the last segment: an offset never comes twice.
        self.offset = max(least, self._starts[-1] + self._size if self._starts else 0)
        self.starved = False
        """True after a drain that found no descriptor free; the bytes are where they were."""
        self._wide = False
        self.fd = os.open(os.path.join(directory, stream), os.O_RDONLY | os.O_NONBLOCK)

    def _find_segments(self) -> list[int]:
        prefix = self._stream + b"-"
        return [
            int(name[len(prefix) : -4])
            for name in os.listdir(self._directory)
            if name.startswith(prefix) and name.endswith(b".log") and name[len(prefix) : -4].isdigit()
        ]

    def _path(self, start: int) -> bytes:
        return os.path.join(self._directory, b"%s-%020d.log" % (self._stream, start))

    def drain(self) -> int:
        """Move what is there, up to one chunk, into the log.

        Returns how many bytes, 0 when there is nothing now, -1 at the end (no writer is left, nothing can come).
        """
        self.starved = False
        if self.fd < 0:
            return -1
        try:
            moved = self._move()
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self.starved = True
                return 0
            return self._discard()
        return moved or -1

    def drain_present(self) -> int:
        """Move what is in the FIFO at this moment; what a writer adds meanwhile may stay. Returns how many bytes."""
        if self.fd < 0:
            return 0
        present = self._present()
        total = 0
        while total < present:
            moved = self.drain()
            if moved <= 0:
                break
            total += moved
        return total

    def _present(self) -> int:
        return int.from_bytes(fcntl.ioctl(self.fd, _FIONREAD, bytes(4)), sys.byteorder)

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
            fcntl.fcntl(self.fd, _F_SETPIPE_SZ, size)
        except (OSError, ValueError):
            pass  # not Linux, over the allowance, or more in it than would fit

    def _move(self) -> int:
        if self._segment < 0 or self._size >= SEGMENT_BYTES:
            if not self._present():
                # The end, or nothing: a silent child needs no file. Should a byte come just now, it goes where it must.
                return self._copy(1)
            self._open_segment()
        room = min(SEGMENT_BYTES - self._size, _CHUNK)
        if self._splice:
            try:
                return self._wrote(os.splice(self.fd, self._segment, room, flags=2))  # SPLICE_F_NONBLOCK
            except OSError as error:
                if error.errno != errno.EINVAL:  # this file system cannot be spliced to
                    raise
                self._splice = False
        return self._copy(room)

    def _copy(self, room: int) -> int:
        # Where there is no splice(2): a kill -9 between these two calls loses the chunk.
        data = os.read(self.fd, room)
        if data and (self._segment < 0 or self._size >= SEGMENT_BYTES):
            self._open_segment()
        written = 0
        while written < len(data):
            try:
                written += self._wrote(os.write(self._segment, data[written:]))
            except OSError:
                self._gap(len(data) - written)
                break
        return len(data)

    def _wrote(self, count: int) -> int:
        self.offset += count
        self._size += count
        return count

    def _open_segment(self) -> None:
        self.close_segment()
        if not self._starts or self._size >= SEGMENT_BYTES or self._starts[-1] + self._size != self.offset:
            self._segment = os.open(self._path(self.offset), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._starts.append(self.offset)
            self._size = 0
            while len(self._starts) > 2 and self.offset - self._starts[1] >= self._keep:
                self._delete_oldest()
        else:
            self._segment = os.open(self._path(self._starts[-1]), os.O_WRONLY | os.O_CLOEXEC)
            os.lseek(self._segment, 0, os.SEEK_END)

    def _delete_oldest(self) -> None:
        try:
            os.unlink(self._path(self._starts.pop(0)))
        except OSError:
            pass

    def _discard(self) -> int:
        """The log cannot be written (disk full, folder gone): lose the oldest output first, never stop the child."""
        if len(self._starts) > 1:
            self._delete_oldest()
            return self.drain()
        try:
            data = os.read(self.fd, _CHUNK)
        except BlockingIOError:
            return 0
        self._gap(len(data))
        return len(data) or -1

    def _gap(self, lost: int) -> None:
        # The offset goes on, so a cursor stays true: a reader sees a gap of this many bytes between two segments.
        self.close_segment()
        if self._starts and self._size == 0:
            self._delete_last()
        self.offset += lost

    def _delete_last(self) -> None:
        try:
            os.unlink(self._path(self._starts.pop()))
        except OSError:
            pass

    def close_segment(self) -> None:
        """Close the segment's descriptor; the next drain opens it again."""
        if self._segment >= 0:
            os.close(self._segment)
            self._segment = -1

    def close(self) -> None:
        """Close everything."""
        self.close_segment()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
