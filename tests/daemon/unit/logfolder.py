"""Writes run folders as the keeper does: segments named after their offset, and marks."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from pathlib import Path

from persistproc_core.daemon.logs import Offsets


class LogFolder:
    """A run's folder that a test writes into, byte by byte where it wants."""

    def __init__(self, path: Path, segment_bytes: int = 4 * 1024 * 1024) -> None:
        self.path = path
        self.segment_bytes = segment_bytes
        self.ends = {"stdout": 0, "stderr": 0}
        self._segments: dict[str, tuple[Path, int] | None] = {"stdout": None, "stderr": None}
        self._time = 1_700_000_000_000_000_000
        path.mkdir(exist_ok=True)

    def write(self, stream: str, data: bytes) -> None:
        """Append to a stream, in as many segments as it takes."""
        while data:
            path, room = self._segments[stream] or self._new_segment(stream)
            part, data = data[:room], data[room:]
            with path.open("ab") as file:
                file.write(part)
            self.ends[stream] += len(part)
            self._segments[stream] = (path, room - len(part)) if room > len(part) else None

    def _new_segment(self, stream: str) -> tuple[Path, int]:
        return self.path / f"{stream}-{self.ends[stream]:020d}.log", self.segment_bytes

    def skip(self, stream: str, count: int) -> None:
        """Leave a gap, as after a full disk."""
        self.ends[stream] += count
        self._segments[stream] = None

    def mark(self) -> None:
        """Append a mark for where both streams are."""
        self._time += 1_000_000
        with (self.path / "marks").open("ab") as file:
            file.write(struct.pack(">QQQ", self._time, self.ends["stdout"], self.ends["stderr"]))

    def delete_oldest(self, stream: str, keep: int = 1) -> None:
        """Retention: delete all but the newest segments."""
        for path in sorted(self.path.glob(f"{stream}-*.log"))[:-keep]:
            os.unlink(path)

    @property
    def end(self) -> Offsets:
        """Where both streams end."""
        return Offsets(self.ends["stdout"], self.ends["stderr"])


def build(path: str, steps: Iterable[tuple[str, str, bytes]], segment_bytes: int) -> LogFolder:
    """A folder after steps: write bytes to a stream, leave a gap as long as the bytes in it, or mark."""
    folder = LogFolder(Path(path), segment_bytes)
    for what, stream, data in steps:
        if what == "write":
            folder.write(stream, data)
        elif what == "gap":
            folder.skip(stream, len(data))
        else:
            folder.mark()
    return folder
