"""Which are the lines of a stream, told from both directions."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persistproc_core.daemon.logs import boundaries
from persistproc_core.daemon.logs.boundaries import Bounds, line_begin, lines_backward, lines_forward
from persistproc_core.daemon.logs.segments import StreamBytes, list_streams
from tests.daemon.unit.logfolder import LogFolder

WRITES = st.lists(st.text("ab\n", min_size=1, max_size=30).map(str.encode) | st.integers(1, 30), max_size=10)


def stream_of(path: str) -> StreamBytes:
    return StreamBytes(list_streams(path)["stdout"])


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundaries, "_CHUNK", 5)


def lines_of(tmp_path: Path, *parts: bytes | int, block: int = 16) -> list[tuple[bytes, bool]]:
    folder = LogFolder(tmp_path / "run", 7)
    for part in parts:
        if isinstance(part, int):
            folder.skip("stdout", part)
        else:
            folder.write("stdout", part)
    source = stream_of(str(folder.path))
    found = list(lines_forward(source, 0, folder.ends["stdout"], block))
    result = [(source.read(line.begin, line.end), line.is_open) for line in found]
    source.close()
    return result


def test_a_line_ends_after_its_newline(tmp_path: Path) -> None:
    assert lines_of(tmp_path, b"a\n\nbc\n") == [(b"a\n", False), (b"\n", False), (b"bc\n", False)]


def test_the_last_line_may_be_open(tmp_path: Path) -> None:
    assert lines_of(tmp_path, b"a\nbc") == [(b"a\n", False), (b"bc", True)]


def test_a_hole_ends_a_line(tmp_path: Path) -> None:
    assert lines_of(tmp_path, b"a\nbef", 10, b"ore\nx") == [
        (b"a\n", False),
        (b"bef", False),
        (b"ore\n", False),
        (b"x", True),
    ]


def test_a_line_is_split_behind_a_block_without_newline(tmp_path: Path) -> None:
    assert [len(line) for line, _ in lines_of(tmp_path, b"a\n" + b"x" * 70 + b"\n", block=16)] == [2, 30, 16, 16, 9]


def test_a_line_shorter_than_a_block_is_never_split(tmp_path: Path) -> None:
    assert [len(line) for line, _ in lines_of(tmp_path, b"x" * 9 + b"\n", b"y" * 20 + b"\n", block=16)] == [10, 21]


@settings(deadline=None)
@given(
    WRITES,
    st.integers(1, 40),
    st.sampled_from([4, 8, 16]),
    st.integers(0, 200),
    st.integers(0, 200),
    st.integers(0, 2),
)
def test_both_directions_find_the_same_lines(
    writes: list[bytes | int], segment_bytes: int, block: int, low: int, length: int, deleted: int
) -> None:
    with tempfile.TemporaryDirectory() as path:
        folder = LogFolder(Path(path), segment_bytes)
        for write in writes:
            if isinstance(write, int):
                folder.skip("stdout", write)
            else:
                folder.write("stdout", write)
        for victim in sorted(Path(path).glob("stdout-*"))[:deleted]:
            victim.unlink()
        source = stream_of(path)
        high = low + length
        lines = list(lines_forward(source, low, high, block))

        assert list(lines_backward(source, low, high, block)) == lines[::-1]
        assert b"".join(source.read(line.begin, line.end) for line in lines) == source.read(low, high)
        for line in lines:
            assert line.begin < line.end <= line.begin + 2 * block
            assert b"\n" not in source.read(line.begin, line.end - 1)
            # From the beginning of any of them it goes on as it does from before.
            assert list(lines_forward(source, line.begin, high, block)) == lines[lines.index(line) :]
        assert all(one.end <= other.begin for one, other in itertools.pairwise(lines))
        assert not any(line.is_open for line in lines[:-1])
        source.close()


def test_where_a_line_begins(tmp_path: Path) -> None:
    folder = LogFolder(tmp_path / "run", 4)
    folder.write("stdout", b"first\nsecond")
    source = stream_of(str(folder.path))

    assert [line_begin(source, 0, place) for place in (0, 1, 6, 7, 12)] == [0, 0, 0, 6, 6]
    assert line_begin(source, 3, 5) == 3
    assert list(lines_forward(source, 6, 12)) == [Bounds(6, 12, True)]
    source.close()
