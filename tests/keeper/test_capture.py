"""The log: segments of 4 MiB named by their offset, 64 MiB kept of each stream, offsets always true."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from persistproc_core.keeper.capture import Capture
from persistproc_core.keeper.segments import SEGMENT_BYTES
from tests.keeper.folder import Folder, Segment
from tests.keeper.rig import Keeper
from tests.kit import numbered

MIB = 1024 * 1024

BLOCKS = """
import os, sys
for offset in range(0, int(sys.argv[1]) << 20, 65536):
    data = b"".join(b"%020d" % at + b"." * 4076 for at in range(offset, offset + 65536, 4096))
    while data:
        data = data[os.write(1, data):]
"""


def is_true(segment: Segment) -> bool:
    """True when each block of 4 KiB in the segment begins with its own offset."""
    first = -segment.start % 4096
    return all(
        int(segment.data[at : at + 20]) == segment.start + at for at in range(first, len(segment.data) - 20, 4096)
    )


def test_retention_of_eighty_mebibytes(keeper: Keeper) -> None:
    folder = keeper.run("r", ["python3", "-c", BLOCKS, "84"])
    segments = folder.segments("stdout")
    assert segments[-1].end == 84 * MIB
    assert 64 * MIB <= sum(len(segment.data) for segment in segments) <= 72 * MIB
    for former, segment in pairwise(segments):
        assert former.end == segment.start
        assert segment.start % SEGMENT_BYTES == 0
    assert all(map(is_true, segments))


@pytest.fixture(params=["splice", "copy"])
def pipes(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The writing end of the FIFO ``tmp_path/stdout``; with splice(2) and, as on macOS, without."""
    if request.param == "copy":
        monkeypatch.delattr(os, "splice")
    os.mkfifo(tmp_path / "stdout")
    writer = os.open(tmp_path / "stdout", os.O_RDWR | os.O_NONBLOCK)
    yield writer
    os.close(writer)


def feed(capture: Capture, writer: int, data: bytes) -> None:
    """Write data through the FIFO into the log."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(writer, rest[:65536]) :]
        capture.drain_present()


def test_segments_roll_at_four_mebibytes(pipes: int, tmp_path: Path) -> None:
    capture = Capture(os.fsencode(tmp_path), b"stdout")
    data = random.randbytes(9 * MIB)
    feed(capture, pipes, data)
    segments = Folder(str(tmp_path)).segments("stdout")
    assert [segment.start for segment in segments] == [0, 4 * MIB, 8 * MIB]
    assert b"".join(segment.data for segment in segments) == data
    assert capture.offset == len(data)
    capture.close()


def test_whole_segments_beyond_what_is_kept_are_deleted(pipes: int, tmp_path: Path) -> None:
    capture = Capture(os.fsencode(tmp_path), b"stdout", keep=32 * MIB)
    data = random.randbytes(45 * MIB)
    feed(capture, pipes, data)
    segments = Folder(str(tmp_path)).segments("stdout")
    assert [segment.start for segment in segments] == list(range(12 * MIB, 45 * MIB, 4 * MIB))
    assert all(segment.data == data[segment.start : segment.end] for segment in segments)
    capture.close()


@pytest.mark.parametrize("keep", [1, 100_000, MIB])
def test_little_is_kept_in_small_segments(pipes: int, tmp_path: Path, keep: int) -> None:
    """At every moment at least what is asked for, and less than half as much on top of it."""
    capture = Capture(os.fsencode(tmp_path), b"stdout", keep=keep)
    least = max(keep, 65536)
    data = random.randbytes(4 * least)
    for start in range(0, len(data), 4000):
        feed(capture, pipes, data[start : start + 4000])
        sizes = sum(path.stat().st_size for path in tmp_path.glob("*.log"))
        assert min(least, capture.offset) <= sizes <= least * 1.5
    kept = b"".join(segment.data for segment in Folder(str(tmp_path)).segments("stdout"))
    assert data.endswith(kept)
    capture.close()


def test_segments_that_the_daemon_has_deleted_are_not_missed(pipes: int, tmp_path: Path) -> None:
    capture = Capture(os.fsencode(tmp_path), b"stdout", keep=800_000)
    feed(capture, pipes, numbered(350_000))
    for segment in Folder(str(tmp_path)).segments("stdout")[:-1]:
        (tmp_path / f"stdout-{segment.start:020d}.log").unlink()
    feed(capture, pipes, numbered(1_500_000, 350_000))
    segments = Folder(str(tmp_path)).segments("stdout")
    assert 800_000 <= sum(len(segment.data) for segment in segments) <= 1_000_000
    assert all(segment.data == numbered(len(segment.data), segment.start) for segment in segments)
    capture.close()


def test_a_last_segment_that_somebody_has_deleted(pipes: int, tmp_path: Path) -> None:
    """What comes then is named by its own offset."""
    capture = Capture(os.fsencode(tmp_path), b"stdout")
    feed(capture, pipes, b"before")
    capture.log.close()
    (tmp_path / f"stdout-{0:020d}.log").unlink()
    feed(capture, pipes, b"after")
    assert Folder(str(tmp_path)).segments("stdout") == [Segment(6, b"after")]
    capture.close()


def test_a_new_capture_goes_on_where_the_old_one_stopped(pipes: int, tmp_path: Path) -> None:
    data = numbered(300_000)
    for start in range(0, len(data), 60_000):
        capture = Capture(os.fsencode(tmp_path), b"stdout")
        assert capture.offset == start
        feed(capture, pipes, data[start : start + 60_000])
        capture.close()
    assert Folder(str(tmp_path)).segments("stdout") == [Segment(0, data)]


def test_a_new_capture_of_a_log_whose_beginning_was_deleted(pipes: int, tmp_path: Path) -> None:
    start = 123 * MIB
    (tmp_path / f"stdout-{start:020d}.log").write_bytes(b"before")
    capture = Capture(os.fsencode(tmp_path), b"stdout")
    feed(capture, pipes, b" after")
    assert Folder(str(tmp_path)).segments("stdout") == [Segment(start, b"before after")]
    capture.close()


def test_a_full_last_segment_is_not_touched_any_more(pipes: int, tmp_path: Path) -> None:
    (tmp_path / f"stdout-{0:020d}.log").write_bytes(bytes(SEGMENT_BYTES))
    capture = Capture(os.fsencode(tmp_path), b"stdout")
    feed(capture, pipes, b"next")
    assert Folder(str(tmp_path)).segments("stdout")[1] == Segment(SEGMENT_BYTES, b"next")
    capture.close()


def test_files_of_others_in_the_folder_are_no_segments(pipes: int, tmp_path: Path) -> None:
    for name in ("stdout-x.log", "stdout-.log", "stdout-1.log.gz", "stdoutx-00000000000000000007.log", "stdout-7"):
        (tmp_path / name).write_bytes(b"?")
    capture = Capture(os.fsencode(tmp_path), b"stdout")
    feed(capture, pipes, b"x")
    assert (tmp_path / f"stdout-{0:020d}.log").read_bytes() == b"x"
    capture.close()


def test_an_empty_fifo_gives_nothing_and_one_without_writers_its_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "stdout")
    writer = os.open(tmp_path / "stdout", os.O_RDWR)
    capture = Capture(os.fsencode(tmp_path), b"stdout")
    assert capture.drain() == 0
    assert capture.drain_present() == 0
    os.write(writer, b"last")
    os.close(writer)
    assert capture.drain() == 4
    assert capture.drain() == -1
    capture.close()


def test_log_files_are_private(keeper: Keeper) -> None:
    folder = keeper.run("r", ["echo", "secret"])
    (path,) = folder.path.glob("stdout-*.log")
    assert path.stat().st_mode & 0o777 == 0o600
