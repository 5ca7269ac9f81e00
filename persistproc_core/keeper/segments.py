"""The log of one stream: segments, each named by the stream offset of its first byte.

So offsets never go backwards and survive every restart: what a new keeper needs to know is the last segment's name and
size. The daemon may delete all segments of a stream but the last at any time.
"""

from __future__ import annotations

import os

from .fields import Fields, dump
from .system import make_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DEFAULT_KEEP_BYTES", "SEGMENT_BYTES", "Segments"]

SEGMENT_BYTES = 4 * 1024 * 1024
"""A segment is closed at this size; at an eighth of what is kept, when that is less."""

DEFAULT_KEEP_BYTES = 64 * 1024 * 1024
"""Of each stream at least this much is kept; whole segments beyond it are deleted, oldest first."""

_LEAST_KEEP = 64 * 1024
_LONGEST_LINE = 4096


class Segments:
    """Appends to a log. Its files take a quarter more than ``keep`` at most.

    `offset` is the end of the log. `opened` counts the files that were begun; `lost` the bytes that a full disk has
    cost, old ones and new ones.
    """

    __slots__ = (
        "_directory",
        "_keep",
        "_most",
        "_size",
        "_starts",
        "_stream",
        "fd",
        "lost",
        "offset",
        "on_missing",
        "opened",
    )

    def __init__(self, directory: bytes, stream: bytes, least: int = 0, keep: int = DEFAULT_KEEP_BYTES) -> None:
        """Find the end of the log, ``least`` or beyond. Raises `OSError` when the folder is not there."""
        self._begin(directory, stream, keep)
        self._starts += sorted(self._find())
        self._size = self._size_of_last() if self._starts else 0
        # A former keeper may have marked a gap (disk full) after the last segment: an offset never comes twice.
        self.offset = max(least, self._starts[-1] + self._size if self._starts else 0)

    def _begin(self, directory: bytes, stream: bytes, keep: int) -> None:
        self._directory = directory
        self._stream = stream
        self._keep = max(keep, _LEAST_KEEP)
        self._most = min(SEGMENT_BYTES, self._keep // 8)
        self._starts: list[int] = []
        self._size = 0
        self.offset = 0
        self.fd = -1
        self.opened = 0
        self.lost = 0
        self.on_missing: Callable[[], None] = lambda: make_folder(directory)
        """Makes the folder again when somebody has deleted it; may raise `OSError`."""

    def dump(self) -> bytes:
        """For the program that takes our place."""
        starts = (b"%d" % start for start in self._starts)
        numbers = {"keep": self._keep, "size": self._size, "offset": self.offset}
        return dump(starts=starts, opened=self.opened, lost=self.lost, **numbers)

    @classmethod
    def of(cls, directory: bytes, stream: bytes, fields: Fields) -> Segments:
        """What was dumped, without a look at the folder: it may be gone."""
        self = cls.__new__(cls)
        self._begin(directory, stream, fields.number("keep", DEFAULT_KEEP_BYTES))
        self._starts += fields.numbers("starts")
        self._size = fields.number("size")
        self.offset = fields.number("offset")
        self.opened = fields.number("opened")
        self.lost = fields.number("lost")
        return self

    def _find(self) -> list[int]:
        prefix = self._stream + b"-"
        return [
            int(name[len(prefix) : -4])
            for name in os.listdir(self._directory)
            if name.startswith(prefix) and name.endswith(b".log") and name[len(prefix) : -4].isdigit()
        ]

    def _path(self, start: int) -> bytes:
        return os.path.join(self._directory, b"%s-%020d.log" % (self._stream, start))

    def _size_of_last(self) -> int:
        return os.stat(self._path(self._starts[-1])).st_size

    @property
    def room(self) -> int:
        """How much the open segment still takes; 0: call `open` first."""
        return max(0, self._most - self._size) if self.fd >= 0 else 0

    def check(self) -> None:
        """Close a segment whose file was deleted while it was open: nobody would ever read what goes there."""
        if self.fd >= 0 and not os.fstat(self.fd).st_nlink:
            self.close()

    def open(self) -> None:
        """Open the last segment, or the next one when it is full. Raises `OSError`."""
        self.close()
        if self._starts and self._size < self._most and self._starts[-1] + self._size == self.offset:
            try:
                self.fd = os.open(self._path(self._starts[-1]), os.O_RDWR | os.O_CLOEXEC)
                os.lseek(self.fd, 0, os.SEEK_END)
                return
            except FileNotFoundError:
                pass  # somebody deleted it: what comes now goes into one that is named by its own offset
        try:
            self.fd = self._create()
        except FileNotFoundError:
            self.on_missing()
            self.fd = self._create()
        self._starts.append(self.offset)
        self._size = 0
        self.opened += 1
        while len(self._starts) > 2 and self.offset - self._starts[1] >= self._keep:
            self._delete(self._starts.pop(0))

    def _create(self) -> int:
        return os.open(self._path(self.offset), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def write(self, data: bytes) -> int:
        """Append what fits into the open segment; returns how many bytes. Raises `OSError`."""
        return self.wrote(os.write(self.fd, data[: self.room]))

    def wrote(self, count: int) -> int:
        """So many bytes have been appended to `fd`; returns the same."""
        self.offset += count
        self._size += count
        return count

    def first_line(self, count: int) -> int:
        """Length of the first line of the last ``count`` bytes; all of them when nobody can tell."""
        if self.fd < 0 or count > self._size:
            return count
        line = os.pread(self.fd, min(count, _LONGEST_LINE), self._size - count).find(b"\n")
        return line + 1 if line >= 0 else count

    def give_way(self) -> bool:
        """The disk is full: delete the oldest segment; false when only the last one is left."""
        while len(self._starts) > 1:
            start = self._starts.pop(0)
            size = self._delete(start)
            if size:
                self.lost += size
                return True
        return False

    def gap(self, lost: int) -> None:
        """Go on behind bytes that could not be written: a reader sees a gap of so many between two segments."""
        self.close()
        if self._starts and self._size == 0:
            self._delete(self._starts.pop())
        self.offset += lost
        self.lost += lost

    def _delete(self, start: int) -> int:
        """Delete a segment; returns its size, 0 when the daemon has deleted it before."""
        path = self._path(start)
        try:
            size = os.stat(path).st_size
            os.unlink(path)
        except OSError:
            return 0
        return size

    def close(self) -> None:
        """Close the segment's descriptor."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
