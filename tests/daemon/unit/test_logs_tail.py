"""The last lines of a run."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persistproc_core.daemon.logs import Offsets, Piece, RunLog, Style, last_output, read_output
from tests.daemon.unit.logfolder import LogFolder


@pytest.fixture
def folder(tmp_path: Path) -> LogFolder:
    return LogFolder(tmp_path / "run", segment_bytes=64)


def tail_of(folder: LogFolder, lines: int, max_bytes: int = 32768) -> bytes:
    log = RunLog(str(folder.path))
    return b"".join(piece.data for piece in log.read(log.tail(lines, "combined", max_bytes)).pieces)


@pytest.mark.parametrize(
    ("text", "lines", "expected"),
    [
        (b"a\nb\nc\n", 1, b"c\n"),
        (b"a\nb\nc\n", 2, b"b\nc\n"),
        (b"a\nb\nc\n", 3, b"a\nb\nc\n"),
        (b"a\nb\nc\n", 9, b"a\nb\nc\n"),
        (b"a\nb\nc", 1, b"c"),
        (b"a\nb\nc", 2, b"b\nc"),
        (b"a\n\n\n", 2, b"\n\n"),
        (b"a\nb\n", 0, b""),
        (b"prompt> ", 1, b"prompt> "),
        (b"\n", 1, b"\n"),
    ],
)
def test_the_last_lines(folder: LogFolder, text: bytes, lines: int, expected: bytes) -> None:
    folder.write("stdout", text)

    assert tail_of(folder, lines) == expected


def test_lines_of_both_streams_are_counted_together(folder: LogFolder) -> None:
    for number in range(10):
        folder.write("stdout" if number % 2 else "stderr", b"%d\n" % number)
        folder.mark()

    assert tail_of(folder, 3) == b"7\n8\n9\n"


def test_a_tail_of_one_stream_places_the_other_at_its_end(folder: LogFolder) -> None:
    folder.write("stderr", b"x\n" * 5)
    folder.write("stdout", b"1\n2\n3\n")
    folder.mark()

    assert RunLog(str(folder.path)).tail(2, "stdout") == Offsets(2, 10)
    assert RunLog(str(folder.path)).tail(2, "stderr") == Offsets(6, 6)


def test_a_line_longer_than_the_limit_shows_its_end(folder: LogFolder) -> None:
    folder.write("stdout", b"a\n" + b"x" * 500 + b"end\n")

    assert tail_of(folder, 5, max_bytes=10) == b"xxxxxxend\n"


def test_a_limit_cuts_before_a_line_not_inside(folder: LogFolder) -> None:
    folder.write("stdout", b"first line\nsecond line\nthird line\n")

    assert tail_of(folder, 5, max_bytes=25) == b"second line\nthird line\n"


def test_a_limit_does_not_cut_a_character(folder: LogFolder) -> None:
    folder.write("stdout", "日".encode() * 50)

    assert tail_of(folder, 5, max_bytes=20).decode() == "日" * 6


def test_a_line_begins_at_its_first_byte(folder: LogFolder) -> None:
    """It was begun before lines of the other stream that are not wanted any more."""
    folder.write("stderr", b"begin ")
    folder.mark()
    folder.write("stdout", b"1\n2\n")
    folder.mark()
    folder.write("stderr", b"end\n")
    folder.mark()
    folder.write("stdout", b"3\n")
    folder.mark()

    assert tail_of(folder, 1) == b"3\n"
    assert tail_of(folder, 2) == b"begin end\n3\n"
    assert tail_of(folder, 3) == b"begin 2\nend\n3\n"
    assert tail_of(folder, 3, max_bytes=8) == b"3\n"


def test_an_open_line_of_the_other_stream_is_kept(folder: LogFolder) -> None:
    folder.write("stderr", b"50%")
    folder.mark()
    folder.write("stdout", b"1\n2\n3\n")
    folder.mark()
    folder.write("stderr", b"\r60%")
    folder.mark()

    assert tail_of(folder, 2) == b"50%3\n\r60%"


def test_a_tail_begins_at_what_is_kept(folder: LogFolder) -> None:
    folder.write("stdout", b"".join(b"%07d\n" % number for number in range(64)))
    folder.mark()
    folder.delete_oldest("stdout", keep=1)
    log = RunLog(str(folder.path))

    start = log.tail(1000)

    assert start == Offsets(448, 0)
    assert log.read(start).missed_bytes == 0


def test_a_tail_across_a_gap(folder: LogFolder) -> None:
    folder.write("stdout", b"a\nb\n")
    folder.skip("stdout", 500)
    folder.write("stdout", b"c\nd\n")
    folder.mark()
    log = RunLog(str(folder.path))

    assert log.read(log.tail(3)).pieces == [Piece("stdout", b"b\nc\nd\n")]


LINES = st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.text("aé\r ", max_size=20)), max_size=40)


@settings(deadline=None)
@given(LINES, st.integers(0, 45), st.integers(1, 100), st.integers(1, 7), st.integers(1, 30))
def test_the_tail_is_the_end_of_the_whole(
    lines: list[tuple[str, str]], count: int, segment_bytes: int, mark_every: int, write_size: int
) -> None:
    """Lines of both streams, written in parts, with marks anywhere: never another line, and never a part of one."""
    with tempfile.TemporaryDirectory() as path:
        folder = LogFolder(Path(path), segment_bytes)
        data = {
            stream: b"".join(text.encode() + b"\n" for where, text in lines if where == stream)
            for stream in ("stdout", "stderr")
        }
        step = 0
        while any(data.values()):
            for stream in ("stderr", "stdout"):
                folder.write(stream, data[stream][:write_size])
                data[stream] = data[stream][write_size:]
                step += 1
                if step % mark_every == 0:
                    folder.mark()
        log = RunLog(path)
        got = last_output(log, count, "combined", 10**6, ended=True)
        everything = read_output(log, Offsets(0, 0), "combined", 10**6, ended=True)

    assert got.lines == everything.lines[max(0, len(lines) - count) :]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.binary(max_size=30), st.booleans()), max_size=30),
    st.integers(0, 10),
    st.integers(4, 300),
)
def test_any_output_has_a_tail(writes: list[tuple[str, bytes, bool]], lines: int, max_bytes: int) -> None:
    with tempfile.TemporaryDirectory() as path:
        folder = LogFolder(Path(path), 50)
        for stream, data, mark in writes:
            folder.write(stream, data)
            if mark:
                folder.mark()
        log = RunLog(path)
        start = log.tail(lines, "combined", max_bytes)
        output = last_output(log, lines, "combined", max_bytes, ended=True)
        raw = last_output(log, lines, "combined", max_bytes, Style("raw"), ended=True)

    assert raw.end == output.end == folder.end
    assert sum(folder.end) - sum(start) <= max_bytes
    assert len(output.lines) <= lines
    if lines and sum(folder.end):
        assert start != folder.end
        assert raw.lines
