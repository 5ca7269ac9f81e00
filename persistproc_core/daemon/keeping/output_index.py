"""Which output there is, how large and how old, so that the oldest of all runs can be deleted. Everything here blocks.

A look is incremental: a run that has ended is looked at once, of a live one only the files that still grow, and all of
its files when it has begun a new one. What is remembered may be wrong at any moment (the keeper deletes as well), so a
file that is not there any more is no error.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from heapq import heapify, heappop
from typing import TYPE_CHECKING, NamedTuple

from ..logs.reader import RunLog
from ..logs.segments import Segments, list_streams, segment_path

if TYPE_CHECKING:
    from ...protocol import Stream

__all__ = ["Known", "OutputIndex", "output_bytes"]


class Known(NamedTuple):
    """A run of the registry."""

    run_id: str
    directory: str
    gone: bool
    """Nothing of it is alive: its output is final, and may be deleted to the last byte."""


class _Segment(NamedTuple):
    start: int
    size: int
    written: int
    """When it was last written, as far as the file system tells (ns); never before the segment before it."""


class _RunOutput:
    """The files of one run."""

    __slots__ = ("_changed", "directory", "gone", "marks", "size", "streams")

    def __init__(self, known: Known) -> None:
        self.directory = known.directory
        self.gone = known.gone
        self.marks = 0
        self.size = 0
        self._changed = _changed(self.directory)
        self.streams = {stream: _segments(files) for stream, files in list_streams(self.directory).items()}
        self._look_at_marks()
        self.size += sum(segment.size for segments in self.streams.values() for segment in segments)

    def _look_at_marks(self) -> None:
        try:
            size = os.stat(os.path.join(self.directory, "marks")).st_size
        except OSError:
            size = 0
        self.size += size - self.marks
        self.marks = size

    def refresh(self) -> bool:
        """Look again at what still grows; false when files came or went, and all has to be looked at."""
        if _changed(self.directory) != self._changed:
            return False
        try:
            for stream, segments in self.streams.items():
                if segments:
                    old = segments[-1]
                    status = os.stat(segment_path(self.directory, stream, old.start))
                    segments[-1] = _Segment(old.start, status.st_size, status.st_mtime_ns)
                    self.size += status.st_size - old.size
        except OSError:
            return False
        self._look_at_marks()
        return True

    def deletable(self) -> Iterator[tuple[Stream, _Segment]]:
        for stream, segments in self.streams.items():
            # The keeper writes to the last one of a live run.
            yield from ((stream, segment) for segment in (segments if self.gone else segments[:-1]) if segment.size)

    def delete(self, stream: Stream, segment: _Segment) -> int:
        """Delete a segment, the first of its stream that holds anything; how many bytes that freed."""
        path = segment_path(self.directory, stream, segment.start)
        segments = self.streams[stream]
        last = segment is segments[-1]
        try:
            if last:
                self._leave_end(stream, path)
            else:
                os.unlink(path)
        except FileNotFoundError:
            segments.remove(segment)
            self.size -= segment.size
            return 0
        segments.remove(segment)
        self.size -= segment.size
        freed = segment.size
        if self.gone and not any(segment.size for each in self.streams.values() for segment in each):
            freed += self._delete_marks()
        return freed

    def _leave_end(self, stream: Stream, path: str) -> None:
        """Leave an empty segment in the place of the last one: its name tells readers how much there was."""
        end = RunLog(self.directory).sizes().of(stream)
        empty = segment_path(self.directory, stream, end)
        # Emptied and renamed, and not written anew: on a full disk there may be no room for another file.
        os.truncate(path, 0)
        os.rename(path, empty)
        self.streams[stream].append(_Segment(end, 0, 0))

    def _delete_marks(self) -> int:
        freed, self.marks = self.marks, 0
        try:
            os.unlink(os.path.join(self.directory, "marks"))
        except OSError:
            return 0
        self.size -= freed
        return freed


class OutputIndex:
    """The output of all runs."""

    def __init__(self) -> None:
        self._runs: dict[str, _RunOutput] = {}
        self.total = 0
        """Bytes of all output at the last look, less what was deleted since."""

    def look(self, known: Iterable[Known], changed: set[str]) -> None:
        """Bring the index up to date; ``changed`` are live runs that have begun a new segment."""
        runs: dict[str, _RunOutput] = {}
        for run in known:
            old = self._runs.get(run.run_id)
            if old is not None and old.gone == run.gone and run.run_id not in changed and (old.gone or old.refresh()):
                runs[run.run_id] = old
            else:
                runs[run.run_id] = _RunOutput(run)
        self._runs = runs
        self.total = sum(run.size for run in runs.values())

    def delete_oldest(self, excess: int, *, only_gone: bool = False) -> dict[str, int]:
        """Delete at least ``excess`` bytes, the oldest segments first, as far as there are any.

        Returns how many bytes each run lost, by run id. What cannot be deleted stays and is no error.
        """
        oldest = [
            (segment.written, run_id, stream, segment)
            for run_id, run in self._runs.items()
            if run.gone or not only_gone
            for stream, segment in run.deletable()
        ]
        heapify(oldest)
        deleted: dict[str, int] = {}
        while excess > 0 and oldest:
            _, run_id, stream, segment = heappop(oldest)
            try:
                freed = self._runs[run_id].delete(stream, segment)
            except OSError:
                continue
            excess -= freed
            if freed:
                deleted[run_id] = deleted.get(run_id, 0) + segment.size
        self.total = sum(run.size for run in self._runs.values())
        return deleted


def output_bytes(directory: str) -> int:
    """The size of a run's output; 0 when its folder is gone."""
    return _RunOutput(Known("", directory, True)).size


def _changed(directory: str) -> int:
    """When files last came or went (ns); by itself too coarse to tell two changes in a few ms apart."""
    try:
        return os.stat(directory).st_mtime_ns
    except OSError:
        return 0


def _segments(files: Segments) -> list[_Segment]:
    found: list[_Segment] = []
    written = 0
    for file in files:
        try:
            status = os.stat(file.path)
        except OSError:
            continue  # the keeper was quicker
        # A clock that was set back must not have a later segment deleted before an earlier one.
        written = max(written, status.st_mtime_ns)
        found.append(_Segment(file.start, status.st_size, written))
    return found
