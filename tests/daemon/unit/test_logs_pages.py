"""Pages of a log: forwards by cursor and backwards by start, each line is on exactly one of them."""

from __future__ import annotations

import base64
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persistproc_core.daemon.logs.merging import ALL_LINES
from persistproc_core.daemon.logs.output import MOST_LINES, first_page, last_page
from persistproc_core.daemon.logs.page import Budget, Page
from persistproc_core.daemon.logs.reader import RunLog
from persistproc_core.daemon.logs.render import Style
from persistproc_core.daemon.logs.segments import STREAMS, Offsets
from persistproc_core.daemon.logs.selection import Line, Source, Span
from persistproc_core.daemon.logs.snapshot import Snapshot
from persistproc_core.protocol import Format, OutputLine, Stream
from tests.daemon.unit.logfolder import LogFolder, build

Steps = list[tuple[str, Stream, bytes]]

STREAM = st.sampled_from(STREAMS)
WRITE = st.tuples(
    st.just("write"),
    STREAM,
    st.sampled_from(
        [b"a\n", b"\n", b"bc", b"d\ne\nf", b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", "日\n".encode(), b"\xff\n"]
    ),
)
MARK = st.tuples(st.just("mark"), STREAM, st.just(b""))
GAP = st.tuples(st.just("gap"), STREAM, st.integers(1, 30).map(bytes))
STEPS = st.lists(WRITE | MARK, max_size=25)


def whole(log: Snapshot, streams: tuple[Stream, ...] = STREAMS) -> Span:
    return Span(Offsets(0, 0), log.end, streams)


def forwards(log: Snapshot, style: Style, lines: int, size: int, source: Source = ALL_LINES) -> Iterator[Page]:
    span = whole(log)
    while True:
        page = first_page(log, span, source, style, Budget(lines, size), ended=True)
        yield page
        if page.complete:
            return
        assert page.end != span.low, "no progress"
        span = span._replace(low=page.end)


def backwards(log: Snapshot, style: Style, lines: int, size: int, source: Source = ALL_LINES) -> Iterator[Page]:
    span = whole(log)
    while True:
        page = last_page(log, span, source, style, Budget(lines, size), ended=True)
        yield page
        if page.complete:
            return
        assert page.start != span.high, "no progress"
        span = span._replace(high=page.start)


def face(line: OutputLine) -> tuple[str, str | None]:
    return line["stream"], line.get("text")


def raw_bytes(pages: list[Page], stream: str) -> bytes:
    return b"".join(
        base64.b64decode(line["base64"]) if "base64" in line else line["text"].encode()
        for page in pages
        for line in page.lines
        if line["stream"] == stream
    )


@settings(deadline=None)
@given(STEPS, st.integers(1, 50), st.integers(1, 7), st.integers(1, 60))
def test_each_line_is_on_one_page(steps: Steps, segment_bytes: int, lines: int, size: int) -> None:
    with tempfile.TemporaryDirectory() as path:
        folder = build(path, steps, segment_bytes)
        with RunLog(path).look() as log:
            style = Style()
            (everything,) = forwards(log, style, MOST_LINES, 10**6)
            there = list(forwards(log, style, lines, size))
            back = list(backwards(log, style, lines, size))

    for pages in (there, back[::-1]):
        got = [line for page in pages for line in page.lines]
        # Where a line is longer than a page, its middle is cut out of it; it is on one page all the same.
        assert [line["stream"] for line in got] == [line["stream"] for line in everything.lines]
        assert [face(line) for line in got if "cut_bytes" not in line] == [
            face(full) for line, full in zip(got, everything.lines, strict=True) if "cut_bytes" not in line
        ]
        assert all(len(page.lines) <= lines for page in pages)
        assert all(sum(len(line["text"].encode()) for line in page.lines) <= size for page in pages)
        assert all(one.end == other.start for one, other in itertools.pairwise(pages))
        assert (pages[0].start, pages[-1].end) == (Offsets(0, 0), folder.end)


@settings(deadline=None)
@given(st.lists(WRITE | MARK | GAP, max_size=25), st.integers(1, 50), st.integers(1, 7), st.integers(1, 60))
def test_each_byte_is_on_one_page_of_raw_bytes(steps: Steps, segment_bytes: int, lines: int, size: int) -> None:
    with tempfile.TemporaryDirectory() as path:
        build(path, steps, segment_bytes)
        with RunLog(path).look() as log:
            kept = {stream: log.streams[stream].read(0, log.end.of(stream)) for stream in STREAMS}
            for style in (Style("raw"), Style("raw", timestamps=True)):
                there = list(forwards(log, style, lines, size))
                back = list(backwards(log, style, lines, size))[::-1]
                for pages in (there, back):
                    assert {stream: raw_bytes(pages, stream) for stream in STREAMS} == kept


class Odd:
    """A source that keeps every other line of each stream: what a search does."""

    def forward(self, log: Snapshot, span: Span) -> Iterator[Line]:
        return (line for line in ALL_LINES.forward(log, span) if self._keeps(log, line))

    def backward(self, log: Snapshot, span: Span) -> Iterator[Line]:
        return (line for line in ALL_LINES.backward(log, span) if self._keeps(log, line))

    def count(self, log: Snapshot, span: Span) -> int | None:
        return sum(1 for _ in self.forward(log, span))

    def _keeps(self, log: Snapshot, line: Line) -> bool:
        return log.streams[line.stream].read(0, line.end).count(b"\n") % 2 == 1


@settings(deadline=None)
@given(STEPS, st.integers(1, 5), st.integers(20, 60), st.sampled_from(["plain", "raw"]))
def test_each_line_of_a_search_is_on_one_page(steps: Steps, lines: int, size: int, form: Format) -> None:
    with tempfile.TemporaryDirectory() as path:
        build(path, steps, 20)
        with RunLog(path).look() as log:
            source = Odd()
            (everything,) = forwards(log, Style(form), MOST_LINES, 10**6, source)
            there = list(forwards(log, Style(form), lines, size, source))
            back = list(backwards(log, Style(form), lines, size, source))[::-1]
            for pages in (there, back):
                got = [line["stream"] for page in pages for line in page.lines]
                assert got == [line["stream"] for line in everything.lines]
                counts = [source.count(log, Span(page.start, page.end)) for page in pages]
                assert counts == [len(page.lines) for page in pages]


@settings(deadline=None)
@given(STEPS, st.integers(1, 60), st.integers(1, 12))
def test_a_reader_of_a_growing_log_reads_what_is_there_in_the_end(steps: Steps, size: int, every: int) -> None:
    """Lines come in parts, also partial ones: put together they are the text of each stream."""
    got = {"stdout": "", "stderr": ""}
    with tempfile.TemporaryDirectory() as path:
        folder = LogFolder(Path(path), 1000)
        at = Offsets(0, 0)
        for number, (what, stream, data) in enumerate([*steps, ("mark", STREAMS[0], b"")]):
            if what == "write":
                folder.write(stream, data.replace(b"x", b""))
            else:
                folder.mark()
            ended = number == len(steps)
            more = number % every == 0 or ended
            while more:
                with RunLog(path).look() as log:
                    page = first_page(log, Span(at, log.end), ALL_LINES, Style(), Budget(100, size), ended=ended)
                for line in page.lines:
                    if not line.get("cut_bytes"):
                        got[line["stream"]] += line["text"] + ("" if line["partial"] else "\n")
                at, more = page.end, not page.complete
        assert at == folder.end
        if size > 40:
            for stream in STREAMS:
                text = b"".join(data for what, where, data in steps if (what, where) == ("write", stream))
                assert got[stream] == text.replace(b"x", b"").decode("utf-8", "replace")


@settings(deadline=None)
@given(
    st.lists(st.text("aé\t", max_size=30), max_size=60),
    st.sampled_from(["", "\x1b[31m", "\r", "\x7f", "x" * 5000, "\x1b[?1049h", "\u202e"]),
    st.integers(0, 60),
    st.integers(0, 20),
    st.sampled_from([100, 170, 1000]),
    st.integers(4000, 9000),
)
def test_many_lines_at_once_are_the_same_as_one_by_one(
    texts: list[str], odd: str, place: int, low: int, lines: int, size: int
) -> None:
    # Enough of them for the quick way, with something in between that it must leave to the other one.
    texts = [*texts[:place], odd, *texts[place:], "y" * 70, *(["filler line of some length"] * 200), "open"]
    with tempfile.TemporaryDirectory() as path:
        folder = LogFolder(Path(path), 3000)
        folder.write("stdout", "\n".join(texts).encode())
        with RunLog(path).look() as log:
            span = Span(Offsets(low, 0), log.end)
            quick = first_page(log, span, ALL_LINES, Style(), Budget(lines, size), ended=True)
            slow = first_page(log, span, ALL_LINES, Style(run=1), Budget(lines, size), ended=True)

    for line in slow.lines:
        del line["run"]
    assert quick.lines[: len(slow.lines)] == slow.lines[: len(quick.lines)]
    # The last line may be cut to the room that is left, or left for the next page.
    assert abs(len(quick.lines) - len(slow.lines)) <= 1


# --- folding ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> LogFolder:
    return LogFolder(tmp_path / "run")


def last(folder: LogFolder, style: Style, lines: int = 100, size: int = 32768) -> list[OutputLine]:
    with RunLog(str(folder.path)).look() as log:
        return last_page(log, whole(log), ALL_LINES, style, Budget(lines, size), ended=True).lines


def first(folder: LogFolder, style: Style, lines: int = 100, size: int = 32768) -> list[OutputLine]:
    with RunLog(str(folder.path)).look() as log:
        return first_page(log, whole(log), ALL_LINES, style, Budget(lines, size), ended=True).lines


FOLDED = Style(fold=True)


def test_identical_neighbours_of_one_stream_are_one_line(folder: LogFolder) -> None:
    folder.write("stdout", b"a\na\na\nb\na\n")
    folder.mark()
    folder.write("stderr", b"a\na\n")
    folder.mark()
    folder.write("stdout", b"a")

    lines = last(folder, FOLDED)

    assert lines == first(folder, FOLDED)
    assert [(line["stream"], line["text"], line.get("repeated"), line["partial"]) for line in lines] == [
        ("stdout", "a", 3, False),
        ("stdout", "b", None, False),
        ("stdout", "a", None, False),
        ("stderr", "a", 2, False),
        ("stdout", "a", None, True),
    ]
    assert len(last(folder, Style())) == 8


def test_a_folded_line_counts_as_many_but_takes_room_once(folder: LogFolder) -> None:
    folder.write("stdout", b"first\n" + b"again\n" * 1000)

    assert [line.get("repeated") for line in last(folder, FOLDED, lines=300)] == [300]
    assert [line.get("repeated") for line in last(folder, FOLDED, lines=5000, size=20)] == [None, 1000]


# --- cost ---------------------------------------------------------------------------------------------------------


def test_no_lines_are_a_place(folder: LogFolder) -> None:
    folder.write("stdout", b"a\nprompt> ")
    with RunLog(str(folder.path)).look() as log:
        page = last_page(log, whole(log), ALL_LINES, Style(), Budget(0, 100), ended=False)

    assert page == Page([], folder.end, folder.end, False, False)


def test_many_empty_lines_are_bounded(folder: LogFolder) -> None:
    folder.write("stdout", b"\n" * 30_000)

    with RunLog(str(folder.path)).look() as log:
        page = first_page(log, whole(log), ALL_LINES, Style(), Budget(MOST_LINES, 256 * 1024), ended=True)

    assert len(page.lines) == MOST_LINES


def test_what_is_not_shown_is_bounded_as_well(folder: LogFolder) -> None:
    folder.write("stdout", b"\x1b[?1049h" + b"\n" * 300_000)

    with RunLog(str(folder.path)).look() as log:
        page = first_page(log, whole(log), ALL_LINES, Style(), Budget(MOST_LINES, 256 * 1024), ended=True)

    assert not page.complete
    assert 0 < page.end.stdout < 100_000
