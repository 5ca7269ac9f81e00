"""Places in a log: by time, by mark, by cursor."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persistproc_core.daemon.answers.bookmarks import Bookmark, Bookmarks
from persistproc_core.daemon.answers.places import Cursor, Moment, Place, first_after, last_before, parse_place
from persistproc_core.daemon.logs import Offsets, RunLog
from persistproc_core.daemon.logs.marks import Marks
from persistproc_core.daemon.model import Process, Run
from persistproc_core.errors import InvalidParams
from tests.daemon.unit.logfolder import LogFolder


class _Run:
    run_id = "r"
    number = 3


class _Process:
    project_directory = "/p"
    runs = (_Run(),)


RUN = cast("Run", _Run())
PROCESS = cast("Process", _Process())


class _Bookmarks:
    def find(self, project: str, name: str) -> Bookmark:
        return Bookmark(7, {"r": Offsets(len(project), len(name))})


BOOKMARKS = cast("Bookmarks", _Bookmarks())


@pytest.fixture
def folder(tmp_path: Path) -> LogFolder:
    return LogFolder(tmp_path / "run", 16)


def after(folder: LogFolder, place: Place) -> Offsets:
    with RunLog(str(folder.path)).look() as log:
        assert last_before(place, RUN, log) == first_after(place, RUN, log)
        return first_after(place, RUN, log)


def write_marks(path: Path, marks: list[tuple[int, int, int]]) -> None:
    (path / "marks").write_bytes(b"".join(struct.pack(">QQQ", *mark) for mark in marks))


# --- what may be written ------------------------------------------------------------------------------------------


def test_the_forms() -> None:
    assert parse_place("since", "3:10:20", PROCESS, BOOKMARKS) == Cursor(3, Offsets(10, 20))
    assert parse_place("since", "mark:edit", PROCESS, BOOKMARKS) == Bookmark(7, {"r": Offsets(2, 4)})
    assert parse_place("since", "1970-01-01T00:00:01.5Z", PROCESS, BOOKMARKS) == Moment(1_500_000_000)
    recent = parse_place("since", "5m", PROCESS, BOOKMARKS)
    assert isinstance(recent, Moment)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "-5m",
        "5",
        "5y",
        "1700000000",
        "2026-13-01T00:00:00Z",
        "1:2",
        "1:2:3:4",
        "::",
        "5m ago",
        "12:34:56",
        "٣m",
    ],
)
def test_what_is_no_place_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(InvalidParams) as caught:
        parse_place("before", text, PROCESS, BOOKMARKS)

    assert "before" in str(caught.value)
    assert "mark:NAME" in caught.value.hint
    assert "10s" in caught.value.hint


# --- where they are -----------------------------------------------------------------------------------------------


def test_a_time_lies_before_the_mark_that_is_not_older(folder: LogFolder) -> None:
    for number in range(10):
        folder.write("stdout", b"%d\n" % number)
        folder.write("stderr", b"%d!\n" % number)
    write_marks(folder.path, [(1000 + 10 * n, 2 * n + 2, 3 * n + 3) for n in range(10)])

    assert after(folder, Moment(0)) == Offsets(0, 0)
    assert after(folder, Moment(1000)) == Offsets(0, 0)
    assert after(folder, Moment(1001)) == Offsets(2, 3)
    assert after(folder, Moment(1050)) == Offsets(10, 15)
    assert after(folder, Moment(5000)) == folder.end


def test_a_line_belongs_to_the_time_of_its_last_byte(folder: LogFolder) -> None:
    folder.write("stdout", b"one\nbegin end\nthree\n")
    write_marks(folder.path, [(1000, 10, 0), (2000, 20, 0)])

    assert after(folder, Moment(1500)) == Offsets(4, 0)


def test_an_open_line_lies_before_when_nothing_came_after_it(folder: LogFolder) -> None:
    folder.write("stdout", b"one\nprompt> ")
    write_marks(folder.path, [(1000, 12, 0)])

    assert after(folder, Moment(1500)) == folder.end
    assert after(folder, Moment(1000)) == Offsets(0, 0)


def test_a_mark_of_a_project_is_a_place_in_each_run(folder: LogFolder) -> None:
    folder.write("stdout", b"one\ntwo\n")

    assert after(folder, Bookmark(0, {"r": Offsets(4, 0)})) == Offsets(4, 0)
    assert after(folder, Bookmark(0, {"r": Offsets(6, 0)})) == Offsets(4, 0)
    assert after(folder, Bookmark(0, {"r": Offsets(100, 9)})) == folder.end
    assert after(folder, Bookmark(0, {"other": Offsets(4, 0)})) == Offsets(0, 0)


def test_a_cursor_lies_in_one_run(folder: LogFolder) -> None:
    folder.write("stdout", b"one\ntwo\n")

    assert after(folder, Cursor(3, Offsets(6, 0))) == Offsets(6, 0)
    assert after(folder, Cursor(2, Offsets(6, 0))) == Offsets(0, 0)
    assert after(folder, Cursor(4, Offsets(6, 0))) == folder.end


# --- clocks -------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), max_size=40).map(sorted), st.integers(0, 60))
def test_a_time_is_found_as_by_reading_all_marks(times: list[int], wanted: int) -> None:
    with tempfile.TemporaryDirectory() as path:
        write_marks(Path(path), [(time, index + 1, 0) for index, time in enumerate(times)])
        with Marks(path) as marks:
            assert marks.before(wanted) == Offsets(sum(time < wanted for time in times), 0)


def test_a_clock_that_was_set_back_hides_nothing_of_now(tmp_path: Path) -> None:
    """An hour too fast for a while, then corrected: what was printed since is found by the clock of now."""
    wrong = [(3600 + n, n + 1, 0) for n in range(100)]
    right = [(100 + n, n + 101, 0) for n in range(100)]
    write_marks(tmp_path, wrong + right)

    with Marks(str(tmp_path)) as marks:
        assert marks.before(150) == Offsets(150, 0)
        assert marks.before(199) == Offsets(199, 0)


@settings(deadline=None)
@given(st.binary(max_size=24 * 20), st.integers(0, 2**64 - 1))
def test_damaged_marks_give_some_place(data: bytes, wanted: int) -> None:
    with tempfile.TemporaryDirectory() as path:
        (Path(path) / "marks").write_bytes(data)
        with Marks(path) as marks:
            marks.before(wanted)
