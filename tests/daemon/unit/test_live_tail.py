"""The short way of a follower gives what the whole reading gives, or nothing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistproc_core.daemon.logs.output import read_output
from persistproc_core.daemon.logs.reader import RunLog
from persistproc_core.daemon.logs.render import Style
from persistproc_core.daemon.logs.segments import STREAMS, Offsets, segment_path
from persistproc_core.daemon.subscriptions.live_tail import LiveTail, can_go_on, open_newest
from persistproc_core.protocol import Format, OutputLine, Stream, View

START = Offsets(0, 0)
WRITES = st.lists(
    st.tuples(
        st.sampled_from(("stdout", "stderr")),
        st.sampled_from(
            (b"line\n", b"two\nlines\n", b"half", b"\xc3\xa9\n", b"\xc3", b"\xff\n", b"\x1b[31mred\x1b[0m\n", b"a\rb\n")
        ),
    ),
    max_size=12,
)


def append(directory: str, stream: Stream, data: bytes, start: int = 0) -> None:
    with open(segment_path(directory, stream, start), "ab") as file:
        file.write(data)


def whole(log: RunLog, place: Offsets, view: View, form: Format) -> tuple[list[OutputLine], Offsets]:
    found = read_output(log, place, view, 262144, Style(form, False), ended=False)
    return found.lines, found.end


@given(
    writes=WRITES,
    view=st.sampled_from(("combined", "stdout", "stderr")),
    form=st.sampled_from(("plain", "ansi", "raw")),
)
def test_it_is_the_whole_reading_or_nothing(writes: list[tuple[Stream, bytes]], view: View, form: Format) -> None:
    with tempfile.TemporaryDirectory() as directory:
        log = RunLog(directory)
        tail = LiveTail(directory)
        place = START
        try:
            for stream, data in writes:
                append(directory, stream, data)
                quick = tail.lines(view, form, place)
                slow = whole(log, place, view, form)
                if quick is not None:
                    assert quick == slow
                elif can_go_on(form, slow[0]):
                    tail.replace(open_newest(log))
                    tail.settle(view, form, slow[1])
                place = slow[1]
        finally:
            tail.close()


@pytest.fixture
def tail(tmp_path: Path) -> LiveTail:
    """One that has read ``ready`` of stdout."""
    append(str(tmp_path), "stdout", b"ready\n")
    tail = LiveTail(str(tmp_path))
    tail.replace(open_newest(RunLog(str(tmp_path))))
    tail.settle("combined", "plain", Offsets(6, 0))
    return tail


def test_a_line_of_one_stream_goes_the_short_way(tmp_path: Path, tail: LiveTail) -> None:
    append(str(tmp_path), "stdout", b"one\ntwo\n")

    lines: list[OutputLine] = [{"stream": "stdout", "text": text, "partial": False} for text in ("one", "two")]
    assert tail.lines("combined", "plain", Offsets(6, 0)) == (lines, Offsets(14, 0))
    assert tail.lines("combined", "plain", Offsets(14, 0)) is None
    tail.close()


def test_the_first_line_of_the_other_stream_asks_for_the_order(tmp_path: Path, tail: LiveTail) -> None:
    append(str(tmp_path), "stdout", b"one\n")
    append(str(tmp_path), "stderr", b"error\n")

    assert tail.lines("combined", "plain", Offsets(6, 0)) is None
    tail.close()


def test_a_new_segment_of_the_other_stream_does(tmp_path: Path) -> None:
    for stream in STREAMS:
        append(str(tmp_path), stream, b"ready\n")
    tail = LiveTail(str(tmp_path))
    tail.replace(open_newest(RunLog(str(tmp_path))))
    tail.settle("combined", "plain", Offsets(6, 6))
    append(str(tmp_path), "stdout", b"one\n")
    append(str(tmp_path), "stderr", b"error\n", 6)

    assert tail.lines("combined", "plain", Offsets(6, 6)) is None
    tail.close()


def test_it_leaves_no_file_open(tmp_path: Path, tail: LiveTail) -> None:
    before = len(os.listdir("/dev/fd"))
    tail.replace(open_newest(RunLog(str(tmp_path))))
    assert len(os.listdir("/dev/fd")) == before
    tail.close()
    assert len(os.listdir("/dev/fd")) == before - 1
