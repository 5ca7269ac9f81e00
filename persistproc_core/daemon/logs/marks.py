"""The marks of a run: at which time each stream had grown how far, and so the order between the streams.

A mark is 24 bytes, three big-endian numbers: wall time in nanoseconds, end of stdout, end of stderr. Marks never
decrease, so one is found by bisection; the file is never read as a whole. What is wrong in it (a torn last record,
zeros after a power cut) costs order between the streams, never a byte.
"""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

from .segments import Offsets

__all__ = ["Mark", "Marks"]

_RECORD = struct.Struct(">QQQ")
BATCH = 512


class Mark(NamedTuple):
    """The streams reached these offsets at this time."""

    time_ns: int
    """Wall time in nanoseconds since 1970."""
    stdout: int
    stderr: int

    @property
    def offsets(self) -> Offsets:
        """Where both streams were."""
        return Offsets(self.stdout, self.stderr)


class Marks:
    """One look at the marks of a run. Close it, or use it in a ``with`` block; a missing file has no marks."""

    def __init__(self, directory: str) -> None:
        self._fd = -1
        self.count = 0
        try:
            self._fd = os.open(os.path.join(directory, "marks"), os.O_RDONLY | os.O_CLOEXEC)
            self.count = os.fstat(self._fd).st_size // _RECORD.size
        except OSError:
            self.close()

    def read(self, index: int, count: int) -> list[Mark]:
        """Marks from an index on, at most ``count``."""
        return [Mark(*numbers) for numbers in zip(*self.columns(index, count), strict=True)]

    def columns(self, index: int, count: int) -> tuple[list[int], list[int], list[int]]:
        """Marks from an index on, at most ``count``: their times, ends of stdout, and ends of stderr."""
        count = min(count, self.count - index)
        if count <= 0:
            return [], [], []
        try:
            data = os.pread(self._fd, count * _RECORD.size, index * _RECORD.size)
        except OSError:
            return [], [], []
        numbers = struct.unpack(f">{len(data) // _RECORD.size * 3}Q", data[: len(data) - len(data) % _RECORD.size])
        return list(numbers[0::3]), list(numbers[1::3]), list(numbers[2::3])

    def last(self) -> Offsets:
        """Where the streams were at the last mark."""
        marks = self.read(self.count - 1, 1)
        return marks[0].offsets if marks else Offsets(0, 0)

    def first_beyond(self, stdout: float, stderr: float) -> int:
        """Index of the first mark at which a stream had grown beyond the given offset; `count` when there is none."""
        low, high = 0, self.count
        while low < high:
            middle = (low + high) // 2
            marks = self.read(middle, 1)
            if marks and marks[0].stdout <= stdout and marks[0].stderr <= stderr:
                low = middle + 1
            else:
                high = middle
        return low

    def before(self, time_ns: int) -> Offsets:
        """Where the streams were at the last mark before a time.

        The clock may have been set meanwhile. The newest marks are of the clock of now, so the search begins with them:
        it goes back in steps that double until a mark is older, and then by bisection.
        """
        low, high, step = self.count, self.count, 1
        while low > 0 and self._time(low - 1) >= time_ns:
            high = low - 1
            low = max(0, high - step)
            step *= 2
        while low < high:
            middle = (low + high) // 2
            if self._time(middle) < time_ns:
                low = middle + 1
            else:
                high = middle
        marks = self.read(low - 1, 1) if low > 0 else []
        return marks[0].offsets if marks else Offsets(0, 0)

    def _time(self, index: int) -> int:
        times = self.columns(index, 1)[0]
        return times[0] if times else 0

    def close(self) -> None:
        """Close the file. Closing twice is fine."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Marks:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
