"""One look at the log of a run: what an answer is made from, while the keeper goes on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .marks import Marks
from .order import Order
from .segments import STREAMS, Offsets, StreamBytes, list_streams

if TYPE_CHECKING:
    from ...protocol import Stream

__all__ = ["Snapshot"]


class Snapshot:
    """The files that were there, and where both streams ended. Use it in a ``with`` block, from one thread."""

    def __init__(self, directory: str) -> None:
        # Marks first: they are written after the bytes they tell of, and what is looked at later can only be further.
        self.marks = Marks(directory)
        self.order = Order(self.marks)
        marked = self.marks.last()
        self.streams: dict[Stream, StreamBytes] = {
            stream: StreamBytes(segments) for stream, segments in list_streams(directory).items()
        }
        self.end = Offsets(*(max(self.streams[stream].end, marked.of(stream)) for stream in STREAMS))
        """Where they end now; beyond the last byte that is kept when what came last could not be written."""
        self.oldest = Offsets(*(self.streams[stream].oldest for stream in STREAMS))
        """The first bytes that are kept."""

    def clamped(self, place: Offsets) -> Offsets:
        """The place, but not beyond the end: bytes may be lost in a power cut."""
        return Offsets(min(place.stdout, self.end.stdout), min(place.stderr, self.end.stderr))

    def missing(self, start: Offsets, stop: Offsets) -> int:
        """How many bytes between two places are not there: deleted by retention, or never written (disk full)."""
        return sum(
            stop.of(stream) - start.of(stream) - self.streams[stream].kept(start.of(stream), stop.of(stream))
            for stream in STREAMS
            if stop.of(stream) > start.of(stream)
        )

    def time_ns(self, stream: Stream, end: int) -> int | None:
        """When the byte before ``end`` was written, to about 50 ms. None when nobody knows."""
        time_ns = self.order.time_ns(stream, end)
        if time_ns is not None or not self.streams[stream].segments:
            return time_ns
        try:
            # Bytes that have no mark yet are the newest of the file.
            return os.stat(self.streams[stream].segments[-1].path).st_mtime_ns
        except OSError:
            return None

    def close(self) -> None:
        """Close the files."""
        self.marks.close()
        for stream in self.streams.values():
            stream.close()

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
