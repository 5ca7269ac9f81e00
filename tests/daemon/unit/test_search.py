"""Searching a log: the same lines as by looking at each, whatever they are made of and however they are cut."""

from __future__ import annotations

import math
import os
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from persistproc_core.daemon.logs import Offsets
from persistproc_core.daemon.logs.blocks import Sizes
from persistproc_core.daemon.logs.context import Context
from persistproc_core.daemon.logs.filters import TimeIsUp
from persistproc_core.daemon.logs.merging import ALL_LINES
from persistproc_core.daemon.logs.pattern import Pattern
from persistproc_core.daemon.logs.search import Search, make_source
from persistproc_core.daemon.logs.selection import Line, OutOfTime, Source, Span
from persistproc_core.daemon.logs.snapshot import Snapshot
from persistproc_core.daemon.logs.text import plain_text
from persistproc_core.errors import InvalidParams
from persistproc_core.protocol import Stream
from tests.daemon.unit.logfolder import LogFolder

SMALL = Sizes(first=8, largest=32, kept=8)
BEGIN = Offsets(0, 0)
STREAMS: tuple[Stream, Stream] = ("stdout", "stderr")


class Entry(NamedTuple):
    """One line as the reference finds it."""

    key: tuple[float, int, int]
    line: Line
    text: str
    is_open: bool


@pytest.fixture
def folder(tmp_path: Path) -> LogFolder:
    return LogFolder(tmp_path / "run", segment_bytes=64)


def by_looking_at_each(data: dict[str, bytes], marks: list[Offsets], sizes: Sizes) -> list[Entry]:
    """All lines in their order."""
    entries = []
    for rank, stream in enumerate(STREAMS):
        end = 0
        for raw in _raw_lines(data[stream]):
            begin, end = end, end + len(raw)
            is_open = not raw.endswith(b"\n")
            covering = (index for index, mark in enumerate(marks) if mark.of(stream) >= end)
            mark = math.inf if is_open else next(covering, len(marks))
            if len(raw) > sizes.largest:
                raw = raw[: sizes.kept] + "…".encode() + raw[-sizes.kept :]
            text = plain_text(raw.removesuffix(b"\n"))[0]
            entries.append(Entry((mark, rank, end), Line(stream, begin, end), text, is_open))
    return sorted(entries)


def _raw_lines(data: bytes) -> list[bytes]:
    *whole, last = data.split(b"\n")
    return [line + b"\n" for line in whole] + ([last] if last else [])


def with_context(entries: list[Entry], hits: list[bool], before: int, after: int) -> list[Line]:
    """The wanted lines and those around them. What may still become another line is no context."""
    lines = []
    pairs = [pair for pair in zip(entries, hits, strict=True) if pair[1] or not pair[0].is_open]
    for index, (entry, hit) in enumerate(pairs):
        if hit:
            lines.append(entry.line)
        elif any(near for _, near in pairs[max(0, index - after) : index + before + 1]):
            lines.append(entry.line._replace(context=True))
    return lines


def found(folder: LogFolder, source: Source, *, low: Offsets = BEGIN, high: Offsets | None = None) -> list[Line]:
    """What a source finds forward, after it was found backward as well."""
    with Snapshot(str(folder.path)) as log:
        span = Span(low, high or log.end)
        lines = list(source.forward(log, span))
        assert list(source.backward(log, span)) == lines[::-1]
        assert source.count(log, span) == sum(not line.context for line in lines)
    return lines


def texts(folder: LogFolder, **params: Any) -> list[str]:
    """The lines that are found, as plain text; those of the context begin with a dash."""
    source = make_source(params, None, time.monotonic() + 60)  # type: ignore[arg-type]
    with Snapshot(str(folder.path)) as log:
        lines = found(folder, source)
        return [
            "- " * line.context + plain_text(log.streams[line.stream].read(line.begin, line.end).removesuffix(b"\n"))[0]
            for line in lines
        ]


PIECES = [
    *(b"\n\n\n", b"ERROR", b"WARN", b"error", b"ready in ", b"a", b"b", b"x", b" ", b"\t", b"12", b"7ms", b"-"),
    *(
        "é".encode(),
        "日本".encode(),
        "\u212a".encode(),
        b"\x1b[31m",
        b"\x1b[0m",
        b"\r",
        b"\r\n",
        b"\b",
        b"\x00",
        b"\x07",
    ),
    *(b"\xff", b"\xe2\x80", b"\x1b", b"\xc2\x9b", "\u202e".encode(), b"\x1b]0;t\x07", b"E\x1b[1mRR\x1b[mOR", b"\n"),
]
PATTERNS = [
    *("ERROR", "ERROR|WARN", "error", "ready in", "^a", "b$", "^$", "a.*b", "[^a]", "[^a]+b", r"\s", r"x\s+", r"\Aa"),
    *(r"b\Z", r"\d+ms$", r"a\nb", r"[\s\S]", r"a?", r"(a|b)+x", r"(?<=a)b", r"(?<!a)b", r"(?!a)", r"\bERROR\b", "é"),
    *(
        "日",
        "\u212a",
        r"\W$",
        r"[\W]a",
        r"(?i)Error",
        "[]a]",
        r"[^-a]x",
        "\ufffd",
        r"(?:ER{2}OR|7ms)",
        r"a{2,}",
        r"\D\S",
    ),
    *(r"^[^x]*$", r"a(?=b)", r".", r"\x41", r"\p{L}", r"(a)\1", "(?s).x", r"[\n-a]b", "a++b", r"\Bb", r"k"),
]


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[tuple[str, bytes, bool]], int]:
    """What was written: streams, bytes, and whether a mark came after it; and how long a segment is."""
    text = st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join)
    return draw(st.lists(st.tuples(st.sampled_from(STREAMS), text, st.booleans()), max_size=12)), draw(
        st.integers(5, 40)
    )


def written(path: Path, log: list[tuple[str, bytes, bool]], segment: int) -> tuple[LogFolder, list[Entry]]:
    folder = LogFolder(path, segment_bytes=segment)
    data: dict[str, bytes] = dict.fromkeys(STREAMS, b"")
    marks = []
    for stream, text, mark in log:
        folder.write(stream, text)
        data[stream] += text
        if mark:
            folder.mark()
            marks.append(folder.end)
    return folder, by_looking_at_each(data, marks, SMALL)


@settings(max_examples=5000 if os.environ.get("TESTS_FULL") else 50, deadline=None)
@given(logs(), st.sampled_from(PATTERNS), st.booleans(), st.booleans(), st.integers(0, 2), st.integers(0, 2))
def test_a_search_finds_what_looking_at_each_line_finds(
    log: tuple[list[tuple[str, bytes, bool]], int],
    pattern: str,
    ignore_case: bool,
    invert: bool,
    before: int,
    after: int,
) -> None:
    compiled = regex.compile(pattern, regex.IGNORECASE if ignore_case else 0)
    with tempfile.TemporaryDirectory() as directory:
        folder, entries = written(Path(directory) / "run", *log)
        search = Search(Pattern(pattern, ignore_case=ignore_case, invert=invert), sizes=SMALL)
        source = Context(search, ALL_LINES, before, after)
        hits = [(compiled.search(entry.text) is None) == invert for entry in entries]

        assert found(folder, source) == with_context(entries, hits, before, after)
        assert found(folder, search) == with_context(entries, hits, 0, 0)
        with Snapshot(str(folder.path)) as look:
            assert source.count(look, Span(BEGIN, look.end)) == sum(hits)


# --- what is found ------------------------------------------------------------------------------------------------


def test_the_plain_text_of_a_line_is_searched(folder: LogFolder) -> None:
    folder.write(
        "stdout", b"\x1b[32mready\x1b[0m in \x1b[1m350\x1b[22m ms\r\n10%\r50%\rready in 1 s\nrea\x00dy in 2 s\nnot\n"
    )

    assert texts(folder, grep="^ready in") == ["ready in 350 ms", "ready in 1 s", "ready in 2 s"]
    assert texts(folder, grep="ms$") == ["ready in 350 ms"]
    assert texts(folder, grep="10%") == []


def test_what_is_not_utf8_is_searched_as_it_is_shown(folder: LogFolder) -> None:
    folder.write("stdout", b"caf\xff bad\n" + "caf\u00e9 good\n".encode())

    assert texts(folder, grep="caf. bad") == ["caf\ufffd bad"]
    assert texts(folder, grep="CAF\u00c9", ignore_case=True) == ["caf\u00e9 good"]


def test_half_a_character_is_found_nowhere(folder: LogFolder) -> None:
    folder.write("stdout", b"a \xf0\x9f\x98 b\n")

    assert texts(folder, grep="\udc80b") == []
    assert texts(folder, grep="\ud83d") == []


def test_case_and_inversion(folder: LogFolder) -> None:
    folder.write("stdout", b"Error one\nfine\nERROR two\n")

    assert texts(folder, grep="error") == []
    assert (
        texts(folder, grep="error", ignore_case=True) == texts(folder, grep="(?i)error") == ["Error one", "ERROR two"]
    )
    assert texts(folder, grep="error", ignore_case=True, invert=True) == ["fine"]


def test_lines_around_are_told_once_and_in_the_order_of_both_streams(folder: LogFolder) -> None:
    for number in range(12):
        folder.write("stderr" if number % 3 == 0 else "stdout", b"line %d\n" % number)
        folder.mark()

    assert texts(folder, grep="[46]$", context=1) == ["- line 3", "line 4", "- line 5", "line 6", "- line 7"]
    assert texts(folder, grep="9$", context_before=2) == ["- line 7", "- line 8", "line 9"]
    assert texts(folder, grep="9$", context=5, context_after=0, context_before=0) == ["line 9"]
    assert texts(folder, grep="11$", context_after=3) == ["line 11"]


def test_only_what_lies_between_two_places_is_searched(folder: LogFolder) -> None:
    folder.write("stdout", b"hit 1\nhit 2\nhit 3\n")
    folder.write("stderr", b"hit 4\n")
    folder.mark()
    search = Search(Pattern("hit"))

    lines = found(folder, search, low=Offsets(6, 0), high=Offsets(12, 6))

    assert lines == [Line("stdout", 6, 12), Line("stderr", 0, 6)]
    with Snapshot(str(folder.path)) as log:
        assert list(search.forward(log, Span(BEGIN, log.end, ("stderr",)))) == [Line("stderr", 0, 6)]


def test_a_gap_ends_a_line(folder: LogFolder) -> None:
    folder.write("stdout", b"hit, then the disk was fu")
    folder.skip("stdout", 1000)
    folder.write("stdout", b"hit again\n")
    folder.mark()

    assert found(folder, Search(Pattern("^hit"))) == [Line("stdout", 0, 25), Line("stdout", 1025, 1035)]


def test_what_retention_deletes_meanwhile_is_passed(folder: LogFolder) -> None:
    folder.write("stdout", b"%015d\n" * 40 % tuple(range(40)))
    with Snapshot(str(folder.path)) as log:
        lines = Search(Pattern("0"), sizes=Sizes(16, 64, 8)).forward(log, Span(BEGIN, log.end))
        first = next(lines)
        folder.delete_oldest("stdout", keep=2)
        rest = list(lines)

    assert first == Line("stdout", 0, 16)
    assert rest[-1] == Line("stdout", 624, 640)
    assert len({line.begin for line in rest}) == len(rest) < 40


def test_of_a_long_line_the_beginning_and_the_end_are_searched(folder: LogFolder) -> None:
    folder.segment_bytes = 1024 * 1024
    folder.write("stdout", b"short\nbegin " + b"x" * 2_000_000 + b" middle " + b"x" * 2_000_000 + b" end\nlast\n")

    assert len(texts(folder, grep="^begin .* end$")) == 1
    assert texts(folder, grep="middle") == []
    assert texts(folder, grep="^(short|last)$") == ["short", "last"]


# --- limits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "a{2,1}", "(?P=y)", r"\1", "(" * 499 + ")" * 499])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidParams, match="grep"):
        Pattern(pattern)


def test_a_pattern_that_takes_for_ever_is_stopped(folder: LogFolder) -> None:
    folder.write("stdout", b"fine\n" + b"a" * 40 + b"b\n")

    with pytest.raises(InvalidParams, match="takes too long"):
        texts(folder, grep="^(a|aa)+$")


@pytest.mark.parametrize("newest_first", [False, True])
def test_when_the_time_is_up_it_is_told_how_far_the_search_came(folder: LogFolder, newest_first: bool) -> None:
    folder.write("stdout", b"hit\n" * 100)
    told: list[int] = []

    class UpToThirdBlock(Pattern):
        blocks = 0

        def select(self, data: bytes, length: int) -> list[tuple[int, int]]:
            self.blocks += 1
            if self.blocks == 3:
                raise TimeIsUp
            return super().select(data, length)

    search = Search(UpToThirdBlock("hit"), sizes=SMALL)
    with Snapshot(str(folder.path)) as log:
        lines = (search.backward if newest_first else search.forward)(log, Span(BEGIN, log.end))
        with pytest.raises(OutOfTime) as out:
            told.extend(line.begin for line in lines)

    reached = out.value.reached.stdout
    assert 0 < reached < 400
    assert sorted(told) == (list(range(reached, 400, 4)) if newest_first else list(range(0, reached, 4)))


@pytest.mark.parametrize("newest_first", [False, True])
def test_when_the_time_is_up_beside_a_hit_its_context_ends_there(folder: LogFolder, newest_first: bool) -> None:
    folder.write("stdout", b"".join(b"hit %d\nno %d\n" % (number, number) for number in range(50)))

    class UpToTenthLine(Pattern):
        lines = 0

        def accepts(self, line: bytes) -> bool:
            self.lines += 1
            if self.lines == 10:
                raise TimeIsUp
            return super().accepts(line)

    source = Context(Search(UpToTenthLine("hit")), ALL_LINES, 1, 1)
    told: list[Line] = []
    with Snapshot(str(folder.path)) as log:
        with pytest.raises(OutOfTime) as out:
            told.extend((source.backward if newest_first else source.forward)(log, Span(BEGIN, log.end)))
        every = list(ALL_LINES.forward(log, Span(BEGIN, log.end)))

    reached = out.value.reached.stdout
    assert told
    assert sorted(line.begin for line in told) == [
        line.begin for line in every if (line.begin >= reached if newest_first else line.end <= reached)
    ]


@pytest.mark.parametrize("pattern", ["took [0-9]{3} ms", "took.*ms$", "(?<=took )[0-9]{2} ", r"^\s*took\b", "took|$"])
def test_many_lines_of_a_block_are_found_at_once(folder: LogFolder, pattern: str) -> None:
    lines = [f"{'' if number % 7 else 'it '}took {number * 37 % 1009} ms" for number in range(400)]
    folder.write("stdout", "".join(f"{line}\n" for line in lines).encode())

    assert texts(folder, grep=pattern) == [line for line in lines if regex.search(pattern, line)]


def test_without_time_nothing_is_searched(folder: LogFolder) -> None:
    folder.write("stdout", b"hit\n")

    with Snapshot(str(folder.path)) as log, pytest.raises(OutOfTime) as out:
        list(Search(Pattern("hit"), deadline=0.0).forward(log, Span(BEGIN, log.end)))

    assert out.value.reached == Offsets(0, 0)


def test_the_newest_lines_do_not_cost_the_whole_log(folder: LogFolder) -> None:
    folder.segment_bytes = 1024 * 1024
    folder.write("stdout", b"hit, or so it seems\n" * 500_000)
    folder.mark()
    folder.write("stderr", b"hit\n")
    folder.mark()
    read = 0

    class Counting(Pattern):
        def select(self, data: bytes, length: int) -> list[tuple[int, int]]:
            nonlocal read
            read += length
            return super().select(data, length)

    with Snapshot(str(folder.path)) as log:
        lines = Search(Counting("hit")).backward(log, Span(BEGIN, log.end))
        assert next(lines).stream == "stderr"
        assert [next(lines).stream for _ in range(10)] == ["stdout"] * 10
    assert read < 100_000
