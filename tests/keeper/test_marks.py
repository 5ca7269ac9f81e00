"""The index of times: it keeps the order of the streams, never decreases and cannot fill the disk."""

from __future__ import annotations

import os
import resource
import struct
import time
from itertools import pairwise
from pathlib import Path

import pytest

from persistproc_core.keeper.marks import Marks
from tests.keeper.folder import Folder
from tests.keeper.rig import Keeper
from tests.kit import program


def test_marks_never_decrease_and_tell_true_times(keeper: Keeper) -> None:
    before = time.time_ns()
    folder = keeper.run("r", program("alternate", 200, 0.2))
    marks = folder.marks()
    assert marks == sorted(marks)
    assert before <= marks[0].time
    assert marks[-1].time <= time.time_ns()
    assert all(a.stdout <= b.stdout and a.stderr <= b.stderr for a, b in pairwise(marks))


def test_a_flood_writes_few_marks(keeper: Keeper) -> None:
    """Work is done by the chunk, never by the line."""
    folder = keeper.run("r", ["sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' x"])
    seconds = (folder.marks()[-1].time - folder.marks()[0].time) / 1e9
    # One each 50 ms, and a few at both ends; there are hundreds of chunks.
    assert len(folder.marks()) <= 10 + seconds * 25


def test_alternation_keeps_its_order_while_the_bucket_lasts(tmp_path: Path) -> None:
    marks = Marks(os.fsencode(tmp_path))
    for number in range(100):
        marks.note(number % 2, number // 2 + 1, (number + 1) // 2)
    marks.flush()
    found = [(mark.stdout, mark.stderr) for mark in Folder(str(tmp_path)).marks()]
    assert found == [(number // 2 + 1, (number + 1) // 2) for number in range(100)]
    marks.close()


def test_endless_alternation_is_bounded(tmp_path: Path) -> None:
    marks = Marks(os.fsencode(tmp_path))
    began = time.monotonic()
    for number in range(50_000):
        marks.note(number % 2, number, number)
    marks.flush()
    # A full bucket, what flowed into it since, one each 50 ms, and the last.
    assert len(Folder(str(tmp_path)).marks()) <= 4096 + (1024 + 20) * (time.monotonic() - began) + 2
    marks.close()


def test_a_line_an_hour_later_does_not_take_the_time_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = Marks(os.fsencode(tmp_path))
    for number, milliseconds in enumerate((1000, 1010, 3_600_000)):
        monkeypatch.setattr(time, "time_ns", lambda now=milliseconds: now * 1_000_000)
        marks.note(0, number + 1, 0)
    times = [(mark.time // 1_000_000, mark.stdout) for mark in Folder(str(tmp_path)).marks()]
    assert times == [(1000, 1), (1010, 2), (3_600_000, 3)]
    marks.close()


def test_the_oldest_marks_are_dropped_in_the_end(tmp_path: Path) -> None:
    """8 MiB are a week of a line a second; the newer half stays."""
    (tmp_path / "marks").write_bytes(struct.pack(">QQQ", 1, 1, 1) * (8 * 1024 * 1024 // 24 - 1))
    marks = Marks(os.fsencode(tmp_path))
    marks.note(0, 5, 1)
    marks.flush()
    found = Folder(str(tmp_path)).marks()
    assert len(found) == 8 * 1024 * 1024 // 48
    assert (found[-1].stdout, found[-1].stderr) == (5, 1)
    marks.close()


def test_a_torn_mark_of_a_dead_keeper_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "marks").write_bytes(bytes(24) + b"torn")
    marks = Marks(os.fsencode(tmp_path))
    marks.note(0, 5, 0)
    marks.flush()
    found = Folder(str(tmp_path)).marks()
    assert [(mark.stdout, mark.stderr) for mark in found] == [(0, 0), (5, 0)]
    marks.close()


def test_a_mark_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    marks = Marks(os.fsencode(tmp_path / "gone"))
    marks.note(0, 1, 0)
    marks.flush()
    (tmp_path / "gone").mkdir()
    marks.note(0, 2, 0)
    marks.flush()
    assert Folder(str(tmp_path / "gone")).marks()[-1].stdout == 2
    marks.close()


def test_half_a_mark_on_a_full_disk_does_not_garble_the_later_ones(tmp_path: Path) -> None:
    marks = Marks(os.fsencode(tmp_path))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (24 + 7, limits[1]))
    try:
        for offset in (1, 2):
            marks.note(0, offset, 0)
            marks.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "marks").stat().st_size == 24 + 7
    marks.note(0, 3, 0)
    marks.flush()
    assert [mark.stdout for mark in Folder(str(tmp_path)).marks()] == [1, 3]
    marks.close()
