"""At which mark a line ended: the order between the two streams, and its time."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from .marks import Marks
from .segments import STREAMS

if TYPE_CHECKING:
    from ...protocol import Stream

__all__ = ["Order"]

_BATCH = 512


class Order:
    """Looks places of a stream up in the marks. Neighbours cost nothing: a batch of marks is kept for each stream."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._batches: dict[Stream, _Batch] = {stream: _Batch(index + 1) for index, stream in enumerate(STREAMS)}

    @property
    def count(self) -> int:
        """How many marks there are."""
        return self._marks.count

    def mark(self, stream: Stream, end: int) -> int:
        """Index of the first mark at which the stream reached ``end``; `count` when none has."""
        batch = self._batches[stream]
        if not batch.holds(end):
            batch.load(self._marks, end)
        return batch.first + bisect_left(batch.offsets, end)

    def time_ns(self, stream: Stream, end: int) -> int | None:
        """When the byte before ``end`` was written; None when no mark tells yet."""
        index = self.mark(stream, end)
        batch = self._batches[stream]
        return batch.times[index - batch.first] if index - batch.first < len(batch.times) else None


class _Batch:
    """Some neighbouring marks, for one stream."""

    def __init__(self, column: int) -> None:
        self._column = column
        self.first = 0
        self.times: list[int] = []
        self.offsets: list[int] = []
        self._is_first = False
        self._is_last = False

    def holds(self, end: int) -> bool:
        """True when the mark of a place is here, or known not to be anywhere."""
        offsets = self.offsets
        if not offsets:
            return self._is_last
        return (offsets[0] < end or self._is_first) and (end <= offsets[-1] or self._is_last)

    def load(self, marks: Marks, end: int) -> None:
        """Read the marks around a place."""
        low, high = 0, marks.count
        while high - low > _BATCH:
            middle = (low + high) // 2
            found = marks.columns(middle, 1)[self._column]
            if found and found[0] < end:
                low = middle + 1
            else:
                high = middle
        # Half of it before and half behind: whoever looks goes on in one of the two directions.
        self.first = max(0, low - _BATCH // 2)
        columns = marks.columns(self.first, high - self.first + _BATCH // 2)
        self.times, self.offsets = columns[0], columns[self._column]
        self._is_first = self.first == 0
        self._is_last = self.first + len(self.offsets) >= marks.count or len(self.offsets) == 0
