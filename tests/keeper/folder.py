"""A run's folder as the keeper leaves it, read without any code of the keeper or the daemon."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path
from typing import NamedTuple

__all__ = ["Folder", "Mark", "Segment"]


class Segment(NamedTuple):
    """A piece of a stream's log."""

    start: int
    data: bytes

    @property
    def end(self) -> int:
        """The offset behind its last byte."""
        return self.start + len(self.data)


class Mark(NamedTuple):
    """Time in nanoseconds, and where the streams ended."""

    time: int
    stdout: int
    stderr: int


class Folder:
    """Reads a run's folder."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def segments(self, stream: str) -> list[Segment]:
        """The log of a stream, oldest first. A segment's name is the offset of its first byte."""
        paths = sorted(self.path.glob(f"{stream}-*.log"))
        for path in paths:
            assert len(path.name) == len(stream) + 1 + 20 + 4, path.name
        return [Segment(int(path.name[len(stream) + 1 : -4]), path.read_bytes()) for path in paths]

    def read(self, stream: str) -> bytes:
        """The whole log of a stream, which must have no gap and begin with the first byte."""
        data = b""
        for segment in self.segments(stream):
            assert segment.start == len(data), f"{stream} has a gap at {len(data)}"
            data += segment.data
        return data

    def delete(self) -> None:
        """Delete it under a keeper that may be writing: under another name, so that nothing comes in between."""
        self.path.rename(self.path.with_suffix(".gone"))
        shutil.rmtree(self.path.with_suffix(".gone"))

    @property
    def stdout(self) -> bytes:
        """All of stdout."""
        return self.read("stdout")

    @property
    def stderr(self) -> bytes:
        """All of stderr."""
        return self.read("stderr")

    def marks(self) -> list[Mark]:
        """The index; its length must be a whole number of marks."""
        data = (self.path / "marks").read_bytes()
        assert len(data) % 24 == 0, len(data)
        return [Mark(*values) for values in struct.iter_unpack(">QQQ", data)]

    def ended(self) -> list[str]:
        """The words of the exit record: ``exit 0 TIME`` or ``signal 15 TIME``."""
        return (self.path / "ended").read_text("ascii").split()

    @property
    def has_ended(self) -> bool:
        """True when the exit record is there."""
        return (self.path / "ended").exists()

    def spawned(self) -> list[int]:
        """Pid and start time that were written down before the command ran."""
        return [int(word) for word in (self.path / "spawned").read_text("ascii").split()]

    def names(self) -> set[str]:
        """The names of all files."""
        return set(os.listdir(self.path))
