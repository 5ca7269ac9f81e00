"""Reading the log of a run: every byte, in order, however it is cut."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persistproc_core.daemon.logs import Chunk, Offsets, Piece, RunLog
from persistproc_core.daemon.logs.characters import half_character
from tests.daemon.unit.logfolder import LogFolder, build
from tests.kit import numbered

START = Offsets(0, 0)


@pytest.fixture
def folder(tmp_path: Path) -> LogFolder:
    return LogFolder(tmp_path / "run", segment_bytes=64)


def log_of(folder: LogFolder) -> RunLog:
    return RunLog(str(folder.path))


def read_all(
    log: RunLog, start: Offsets, stream: Literal["combined", "stdout", "stderr"], size: int
) -> Iterator[Chunk]:
    more = True
    while more:
        chunk = log.read(start, stream, size)
        assert sum(len(piece.data) for piece in chunk.pieces) <= size
        assert all(a.stream != b.stream for a, b in zip(chunk.pieces, chunk.pieces[1:], strict=False))
        assert chunk.end != start or not chunk.more, "no progress"
        yield chunk
        start, more = chunk.end, chunk.more


def joined(pieces: list[Piece], stream: str) -> bytes:
    return b"".join(piece.data for piece in pieces if piece.stream == stream)


# --- one read -----------------------------------------------------------------------------------------------------


def test_an_empty_run_has_no_output(folder: LogFolder) -> None:
    assert log_of(folder).read(START) == Chunk([], START, 0, False)
    assert log_of(folder).sizes() == START
    assert log_of(folder).tail(10) == START


def test_a_vanished_run_has_no_output(tmp_path: Path) -> None:
    log = RunLog(str(tmp_path / "gone"))

    assert log.read(Offsets(5, 5)) == Chunk([], START, 0, False)
    assert log.segments("stdout") == []


def test_the_streams_come_in_the_order_of_the_marks(folder: LogFolder) -> None:
    for stream, data in [("stderr", b"1\n"), ("stdout", b"2\n"), ("stdout", b"3\n"), ("stderr", b"4\n")]:
        folder.write(stream, data)
        folder.mark()

    chunk = log_of(folder).read(START)

    assert chunk == Chunk(
        [Piece("stderr", b"1\n"), Piece("stdout", b"2\n3\n"), Piece("stderr", b"4\n")], folder.end, 0, False
    )


def test_inside_one_mark_and_after_the_last_stdout_comes_first(folder: LogFolder) -> None:
    folder.write("stderr", b"e1 ")
    folder.write("stdout", b"o1 ")
    folder.mark()
    folder.write("stderr", b"e2 ")
    folder.write("stdout", b"o2 ")

    pieces = log_of(folder).read(START).pieces

    assert [piece.data for piece in pieces] == [b"o1 ", b"e1 ", b"o2 ", b"e2 "]


def test_a_read_of_one_stream_leaves_the_other_where_it_was(folder: LogFolder) -> None:
    folder.write("stdout", b"out")
    folder.write("stderr", b"err")
    folder.mark()

    chunk = log_of(folder).read(START, "stdout")

    assert chunk == Chunk([Piece("stdout", b"out")], Offsets(3, 0), 0, False)
    assert log_of(folder).read(chunk.end).pieces == [Piece("stderr", b"err")]


def test_a_read_stops_where_it_is_told(folder: LogFolder) -> None:
    folder.write("stdout", b"0123456789")
    folder.write("stderr", b"abcdefghij")
    folder.mark()

    chunk = log_of(folder).read(Offsets(2, 1), stop=Offsets(5, 3))

    assert chunk == Chunk([Piece("stdout", b"234"), Piece("stderr", b"bc")], Offsets(5, 3), 0, False)


def test_a_cursor_beyond_the_end_goes_on_at_the_end(folder: LogFolder) -> None:
    folder.write("stdout", b"lost in a power cut"[:4])

    assert log_of(folder).read(Offsets(19, 7)) == Chunk([], Offsets(4, 0), 0, False)


def test_foreign_files_are_no_segments(folder: LogFolder) -> None:
    folder.write("stdout", b"x")
    for name in [
        "stdout-.log",
        "stdout-1x.log",
        "stdout-00000000000000000009.tmp",
        "stdout",
        "other-00000000000000000000.log",
    ]:
        (folder.path / name).write_bytes(b"foreign")
    os.mkfifo(folder.path / "stderr")

    assert log_of(folder).read(START).pieces == [Piece("stdout", b"x")]


# --- deleted and missing bytes ------------------------------------------------------------------------------------


def test_what_retention_deleted_is_counted_once(folder: LogFolder) -> None:
    folder.write("stdout", numbered(640))
    folder.mark()
    folder.delete_oldest("stdout", keep=2)
    log = log_of(folder)

    with log.look() as look:
        assert look.oldest == Offsets(512, 0)
    chunk = log.read(Offsets(100, 0))

    assert chunk.missed_bytes == 412
    assert chunk.pieces == [Piece("stdout", numbered(128, 512))]
    assert log.read(chunk.end).missed_bytes == 0


def test_a_gap_is_passed_and_counted(folder: LogFolder) -> None:
    folder.write("stdout", b"before\n")
    folder.mark()
    folder.skip("stdout", 1000)
    folder.write("stdout", b"after\n")
    folder.mark()

    chunk = log_of(folder).read(START)

    assert chunk == Chunk([Piece("stdout", b"before\nafter\n")], Offsets(1013, 0), 1000, False)


def test_nothing_but_marks_is_a_gap(folder: LogFolder) -> None:
    """Disk full from the start: the offsets are known, no byte is there, and a cursor still gets to the end."""
    folder.skip("stderr", 50)
    folder.mark()

    assert log_of(folder).read(START) == Chunk([], Offsets(0, 50), 50, False)


@pytest.mark.parametrize("damage", [b"\0" * 240, b"torn", b"\xff" * 24, b"\xff" * 31])
def test_damaged_marks_cost_no_byte(folder: LogFolder, damage: bytes) -> None:
    for _ in range(5):
        folder.write("stdout", b"out\n")
        folder.write("stderr", b"err\n")
        folder.mark()
    with (folder.path / "marks").open("ab") as file:
        file.write(damage)
    for stream, text in [("stdout", b"out\n"), ("stderr", b"err\n")]:
        pieces = [piece for chunk in read_all(log_of(folder), START, "combined", 3) for piece in chunk.pieces]
        assert joined(pieces, stream) == text * 5
    log_of(folder).tail(3)


# --- characters ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", range(4, 12))
def test_no_character_is_cut(folder: LogFolder, size: int) -> None:
    text = "aé日😀" * 20
    folder.write("stdout", text.encode())
    folder.mark()

    chunks = list(read_all(log_of(folder), START, "stdout", size))

    assert "".join(piece.data.decode() for chunk in chunks for piece in chunk.pieces) == text


def test_a_mark_inside_a_character_cuts_nothing(folder: LogFolder) -> None:
    for byte in "日本".encode():
        folder.write("stdout", bytes([byte]))
        folder.write("stderr", b".")
        folder.mark()

    for piece in log_of(folder).read(START).pieces:
        piece.data.decode()


def test_half_a_character_at_the_end_waits_for_its_rest(folder: LogFolder) -> None:
    folder.write("stdout", "x日".encode()[:-1])
    log = log_of(folder)

    first = log.read(START, hold_back=True)
    assert first == Chunk([Piece("stdout", b"x")], Offsets(1, 0), 0, False)
    assert log.read(first.end, hold_back=True) == Chunk([], Offsets(1, 0), 0, False)

    folder.write("stdout", "日".encode()[-1:])
    assert log.read(first.end, hold_back=True).pieces == [Piece("stdout", "日".encode())]


def test_half_a_character_comes_out_of_an_ended_run(folder: LogFolder) -> None:
    folder.write("stdout", "x日".encode()[:-1])

    chunks = list(read_all(log_of(folder), START, "combined", 100))

    assert [piece.data for chunk in chunks for piece in chunk.pieces] == [b"x", "日".encode()[:-1]]


@given(st.text(min_size=1), st.integers(0, 3))
def test_half_a_character_is_told(text: str, cut: int) -> None:
    data = text.encode("utf-8", "replace")
    data = data[: len(data) - cut]

    rest = half_character(data)

    data[: len(data) - rest].decode("utf-8")


# --- any log, any chunking ----------------------------------------------------------------------------------------

STREAM = st.sampled_from(["stdout", "stderr"])
BYTES = st.binary(min_size=1, max_size=40) | st.sampled_from(["é".encode(), "日本\n".encode(), b"\n", b"\xe6", b"\xa5"])
STEP = st.tuples(st.just("write"), STREAM, BYTES) | st.tuples(st.just("mark"), STREAM, st.just(b""))
GAP = st.tuples(st.just("gap"), STREAM, st.integers(1, 50).map(bytes))


def written(steps: list[tuple[str, str, bytes]], stream: str) -> bytes:
    return b"".join(data for what, where, data in steps if what == "write" and where == stream)


@settings(deadline=None)
@given(
    st.lists(STEP, max_size=30),
    st.integers(1, 100),
    st.integers(1, 200),
    st.sampled_from(["combined", "stdout", "stderr"]),
)
def test_every_byte_is_read_once_and_in_order(
    steps: list[tuple[str, str, bytes]], segment_bytes: int, size: int, view: Literal["combined", "stdout", "stderr"]
) -> None:
    with tempfile.TemporaryDirectory() as path:
        folder = build(path, steps, segment_bytes)
        chunks = list(read_all(log_of(folder), START, view, size))
    pieces = [piece for chunk in chunks for piece in chunk.pieces]

    for stream in ("stdout", "stderr"):
        assert joined(pieces, stream) == (written(steps, stream) if view in ("combined", stream) else b"")
    assert sum(chunk.missed_bytes for chunk in chunks) == 0


@settings(deadline=None)
@given(st.lists(STEP | GAP, max_size=30), st.integers(1, 60), st.integers(1, 200), st.integers(0, 3), st.integers(0, 3))
def test_what_is_kept_is_read_and_what_is_not_is_counted(
    steps: list[tuple[str, str, bytes]], segment_bytes: int, size: int, delete_out: int, delete_err: int
) -> None:
    with tempfile.TemporaryDirectory() as path:
        folder = build(path, [*steps, ("mark", "stdout", b"")], segment_bytes)
        for stream, count in (("stdout", delete_out), ("stderr", delete_err)):
            for victim in sorted(Path(path).glob(f"{stream}-*.log"))[:count]:
                victim.unlink()
        kept = {
            stream: b"".join(part.read_bytes() for part in sorted(Path(path).glob(f"{stream}-*.log")))
            for stream in ("stdout", "stderr")
        }
        chunks = list(read_all(log_of(folder), START, "combined", size))
    pieces = [piece for chunk in chunks for piece in chunk.pieces]

    assert {stream: joined(pieces, stream) for stream in kept} == kept
    assert chunks[-1].end == folder.end
    assert sum(chunk.missed_bytes for chunk in chunks) == sum(folder.end) - sum(map(len, kept.values()))


@settings(deadline=None)
@given(st.lists(st.tuples(STREAM, st.text(alphabet="aé日\n", min_size=1)), max_size=30), st.integers(4, 100))
def test_with_a_mark_after_each_write_the_order_is_exact(writes: list[tuple[str, str]], size: int) -> None:
    with tempfile.TemporaryDirectory() as path:
        folder = LogFolder(Path(path), 50)
        for stream, text in writes:
            folder.write(stream, text.encode())
            folder.mark()
        chunks = list(read_all(log_of(folder), START, "combined", size))

    got = [(piece.stream, char) for chunk in chunks for piece in chunk.pieces for char in piece.data.decode()]
    assert got == [(stream, char) for stream, text in writes for char in text]


def test_streams_read_apart_meet_again(folder: LogFolder) -> None:
    """Far ahead in one stream, with thousands of marks of it on the way, the other one is still read from its place."""
    folder = LogFolder(folder.path)
    folder.write("stderr", b"first\n")
    folder.mark()
    for _ in range(3000):
        folder.write("stdout", b"x")
        folder.mark()
    folder.write("stderr", b"last\n")
    folder.mark()
    log = log_of(folder)

    ahead = log.read(START, "stdout", 2990)
    rest = log.read(ahead.end)

    assert rest.pieces == [Piece("stderr", b"first\n"), Piece("stdout", b"x" * 10), Piece("stderr", b"last\n")]


# --- while the keeper works ---------------------------------------------------------------------------------------


def test_a_reader_and_the_keeper_at_the_same_time(tmp_path: Path) -> None:
    """Each byte tells its offset: whatever is deleted under the reader, it gets the right bytes or counts them."""
    folder = LogFolder(tmp_path / "run", segment_bytes=256)
    total = 64 * 1024
    done = threading.Event()

    def keep() -> None:
        for offset in range(0, total, 112):
            count = min(112, total - offset)
            folder.write("stdout", numbered(count, offset))
            folder.write("stderr", numbered(count, offset))
            folder.mark()
            if offset % 2048 == 0:
                folder.delete_oldest("stdout", keep=3)
        done.set()

    keeper = threading.Thread(target=keep)
    keeper.start()
    log = log_of(folder)
    at, missed, got = START, 0, {"stdout": 0, "stderr": 0}
    try:
        while True:
            finished = done.is_set()
            before, chunk = at, log.read(at, max_bytes=1000)
            at = chunk.end
            missed += chunk.missed_bytes
            data = joined(chunk.pieces, "stderr")
            assert data == numbered(len(data), before.stderr)
            data = joined(chunk.pieces, "stdout")
            assert not chunk.missed_bytes or before.stdout + chunk.missed_bytes + len(data) == at.stdout
            if not chunk.missed_bytes:
                assert data == numbered(len(data), before.stdout)
            for piece in chunk.pieces:
                got[piece.stream] += len(piece.data)
            log.tail(5)
            if finished and not chunk.more:
                break
    finally:
        keeper.join()

    assert at == folder.end == (total, total)
    assert got["stderr"] == total
    assert got["stdout"] + missed == total


# --- cost ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="counts bytes in /proc/self/io")
def test_a_tail_of_a_huge_log_reads_only_its_end(tmp_path: Path) -> None:
    """1 GiB in 256 segments and a million marks."""
    folder = LogFolder(tmp_path / "run")
    size, million = folder.segment_bytes, 1_000_000
    for number in range(255):
        with (folder.path / f"stdout-{number * size:020d}.log").open("wb") as file:
            file.truncate(size)  # sparse
    marks = b"".join(b"%b" % n.to_bytes(24, "big") for n in (0,)) * million
    (folder.path / "marks").write_bytes(marks)
    folder.skip("stdout", 255 * size)
    folder.mark()
    for number in range(1000):
        folder.write("stdout", b"out %d\n" % number)
        folder.write("stderr", b"err %d\n" % number)
        folder.mark()
    log = log_of(folder)

    before = bytes_read()
    start = log.tail(100)
    pieces = log.read(start).pieces
    cost = bytes_read() - before

    expected = b"".join(b"out %d\nerr %d\n" % (number, number) for number in range(950, 1000))
    assert b"".join(piece.data for piece in pieces) == expected
    assert cost < 256 * 1024


def bytes_read() -> int:
    return int(Path("/proc/self/io").read_text("ascii").split()[1])
