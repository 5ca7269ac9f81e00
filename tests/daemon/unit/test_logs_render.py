"""Lines as they are shown: very long ones, those of full-screen programs, their times."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import pytest

from persistproc_core.daemon.logs import Offsets, Output, RunLog, Style, last_output, read_output
from persistproc_core.daemon.logs.merging import ALL_LINES
from persistproc_core.daemon.logs.output import first_page, last_page
from persistproc_core.daemon.logs.page import Budget
from persistproc_core.daemon.logs.selection import Span
from persistproc_core.protocol import Format, OutputLine
from tests.daemon.unit.logfolder import LogFolder
from tests.kit import numbered

START = Offsets(0, 0)


@pytest.fixture
def folder(tmp_path: Path) -> LogFolder:
    return LogFolder(tmp_path / "run")


def log_of(folder: LogFolder) -> RunLog:
    return RunLog(str(folder.path))


def texts(output: Output) -> list[str]:
    return [line["text"] for line in output.lines]


PLAIN = Style()


def both(folder: LogFolder, style: Style = PLAIN, *, ended: bool = True) -> list[OutputLine]:
    """The lines, read from both ends: they must be the same."""
    there = read_output(log_of(folder), START, "combined", 32768, style, ended=ended)
    back = last_output(log_of(folder), 1000, "combined", 32768, style, ended=ended)
    assert back == there
    return there.lines


# --- growing lines ------------------------------------------------------------------------------------------------


def test_half_a_sequence_is_not_shown_before_its_rest(folder: LogFolder) -> None:
    folder.write("stdout", b"50%\x1b[3")
    first = read_output(log_of(folder), START, "combined", 1000, ended=False)
    assert (texts(first), first.end, first.more) == (["50%"], Offsets(3, 0), False)
    assert last_output(log_of(folder), 9, "combined", 1000, ended=False) == first
    again = read_output(log_of(folder), first.end, "combined", 1000, ended=False)
    assert (again.lines, again.end) == ([], first.end)

    folder.write("stdout", b"1m done\n")

    rest = read_output(log_of(folder), first.end, "combined", 1000, ended=False)
    assert (texts(rest), rest.end) == ([" done"], folder.end)
    assert texts(read_output(log_of(folder), Offsets(3, 0), "combined", 1000, ended=True)) == [" done"]


def test_both_streams_may_have_an_open_line(folder: LogFolder) -> None:
    for stream, data in [("stdout", b"out"), ("stderr", b"1\nerr"), ("stdout", b"")]:
        folder.write(stream, data)
        folder.mark()

    assert [(line["text"], line["partial"]) for line in both(folder, ended=False)] == [
        ("1", False),
        ("out", True),
        ("err", True),
    ]


def test_a_line_stays_whole_while_the_other_stream_prints(folder: LogFolder) -> None:
    for stream, data in [("stdout", b"begin "), ("stderr", b"warning\n"), ("stdout", b"end\nprompt> ")]:
        folder.write(stream, data)
        folder.mark()

    assert [(line["text"], line["partial"]) for line in both(folder)] == [
        ("warning", False),
        ("begin end", False),
        ("prompt> ", True),
    ]


# --- long lines ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [4096, 4097, 65536, 65537, 500_000])
def test_the_middle_of_a_long_line_is_cut_out(folder: LogFolder, size: int) -> None:
    folder.write("stdout", b"begin" + b"x" * (size - 8) + b"end\n")

    (line,) = both(folder)

    assert (line["text"][:5], line["text"][-3:]) == ("begin", "end")
    assert len(line["text"].encode()) <= 4096
    cut = line.get("cut_bytes", 0)
    assert bool(cut) == (size > 4096)
    if cut:
        note = f"…[{cut:,} bytes cut]…"
        assert note in line["text"]
        assert len(line["text"].encode()) - len(note.encode()) + cut == size


def test_a_large_answer_has_longer_lines(folder: LogFolder) -> None:
    folder.write("stdout", b"x" * 60_000 + b"\n" + b"y" * 70_000 + b"\n")

    lines = read_output(log_of(folder), START, "combined", 256 * 1024, ended=True).lines

    assert [line.get("cut_bytes", 0) > 0 for line in lines] == [False, True]
    assert len(lines[1]["text"].encode()) <= 64 * 1024


def test_long_progress_is_its_last_state(folder: LogFolder) -> None:
    folder.write("stdout", b"".join(b"\r%d%%" % (n % 100) for n in range(100_000)) + b"\rdone\n")

    assert both(folder) == [{"stream": "stdout", "text": "done", "partial": False}]


def test_progress_read_piece_by_piece_takes_the_place_of_what_was_there(folder: LogFolder) -> None:
    place = START
    told: list[OutputLine] = []
    for data in (b"line\nbuild 0%", b"\rbuild 50%", b"\rbuild 100%", b" done\n", b"\rnext\n"):
        folder.write("stdout", data)
        output = read_output(log_of(folder), place, "combined", 32768, ended=False)
        place = output.end
        told += output.lines

    assert [(line["text"], line.get("overwrites", False)) for line in told] == [
        ("line", False),
        ("build 0%", False),
        ("build 50%", True),
        ("build 100%", True),
        (" done", False),
        ("next", False),
    ]


def test_a_cut_goes_through_no_character(folder: LogFolder) -> None:
    folder.write("stdout", "😀日".encode() * 50_000 + b"\n")

    output = read_output(log_of(folder), START, "combined", 10**6, ended=True)

    assert not output.lossy
    assert "\ufffd" not in output.lines[0]["text"]


FULL = bool(os.environ.get("TESTS_FULL"))


@pytest.mark.parametrize("form", ["plain", "raw"])
def test_a_huge_line_costs_little(folder: LogFolder, form: Format) -> None:
    """64 MiB, or a whole gigabyte, without a newline: tail, head and pages by cursor."""
    size = (1024 if FULL else 64) << 20
    for offset in range(0, size, folder.segment_bytes):
        with (folder.path / f"stdout-{offset:020d}.log").open("wb") as file:
            file.truncate(folder.segment_bytes)  # sparse: zeros
    folder.skip("stdout", size)
    folder.write("stdout", b"end")
    folder.mark()
    style = Style(form)
    log = log_of(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    began = time.process_time()
    tail = last_output(log, 1, "combined", 32768, style, ended=False)
    head = read_output(log, START, "combined", 32768, style, ended=False)
    took = time.process_time() - began

    assert tail.lines[0]["text"].endswith("end")
    assert head.more
    assert took < 1
    at, pages = START, 0
    while form == "plain":
        page = read_output(log, at, "combined", 32768, style, ended=False)
        at, pages = page.end, pages + 1
        assert sum(len(line["text"]) for line in page.lines) <= 32768
        if not page.more:
            break
    assert pages <= size // (16 << 20) + 1
    # In KiB: macOS counts bytes, and there the bound is only looser.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 8 * 1024


# --- full-screen programs -----------------------------------------------------------------------------------------

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
DRAWN = b"\x1b[2;5Hsecret\x1b[K\r\n~\x1b[1;1H"


@pytest.mark.parametrize(
    ("enter", "leave"), [(ENTER, LEAVE), (b"\x1b[?47h", b"\x1b[?47l"), (b"\x1b[?1;1047h", b"\x1b[?1047;25l")]
)
def test_what_a_full_screen_program_draws_is_left_out(folder: LogFolder, enter: bytes, leave: bytes) -> None:
    folder.write("stdout", b"$ vim\r\n" + enter + DRAWN * 3 + leave + b"$ next\r\nprompt> ")

    for style in (Style(), Style("ansi")):
        assert [line["text"] for line in both(folder, style)] == [
            "$ vim",
            "[full-screen program]",
            "$ next",
            "prompt> ",
        ]


def test_one_that_goes_on_shows_nothing_more(folder: LogFolder) -> None:
    folder.write("stdout", b"$ top\n" + ENTER + DRAWN)
    first = read_output(log_of(folder), START, "combined", 10**6, ended=False)
    assert texts(first) == ["$ top", "[full-screen program]"]

    folder.write("stdout", DRAWN * 5000 + b"\x1b[?10")
    more = read_output(log_of(folder), first.end, "combined", 10**6, ended=False)
    assert (more.lines, more.end) == ([], Offsets(folder.end.stdout - 5, 0))

    folder.write("stdout", b"49lback\n")
    assert texts(read_output(log_of(folder), more.end, "combined", 10**6, ended=False)) == ["back"]


def test_the_tail_of_one_that_goes_on_says_so(folder: LogFolder) -> None:
    folder.write("stdout", b"$ top\n" + ENTER + DRAWN * 10)

    assert texts(last_output(log_of(folder), 100, "combined", 10**6, ended=False)) == ["$ top", "[full-screen program]"]


def test_one_whose_beginning_is_not_kept(folder: LogFolder) -> None:
    folder.write("stdout", b"~\r\nsecret" + LEAVE + b"$ next\n")

    assert texts(read_output(log_of(folder), START, "combined", 10**6, ended=True)) == ["$ next"]
    assert texts(last_output(log_of(folder), 9, "combined", 10**6, ended=True)) == ["[full-screen program]", "$ next"]


def test_raw_bytes_have_it_all(folder: LogFolder) -> None:
    folder.write("stdout", ENTER + DRAWN + LEAVE)

    assert both(folder, Style("raw")) == [{"stream": "stdout", "text": (ENTER + DRAWN + LEAVE).decode()}]


# --- times --------------------------------------------------------------------------------------------------------


def test_a_line_has_the_time_of_its_last_byte(folder: LogFolder) -> None:
    folder.write("stdout", b"one\nbeg")
    folder.mark()
    folder.write("stdout", b"in\n")
    folder.write("stderr", b"two\n")
    folder.mark()

    for style in (Style(timestamps=True), Style("ansi", timestamps=True), Style("raw", timestamps=True)):
        assert [line.get("time", "")[-5:] for line in both(folder, style)] == [".001Z", ".002Z", ".002Z"]


def test_what_has_no_mark_yet_is_as_old_as_its_file(folder: LogFolder) -> None:
    folder.write("stdout", b"one\n")
    os.utime(folder.path / f"stdout-{0:020d}.log", ns=(0, 86_400_000_000_000))

    assert both(folder, Style(timestamps=True))[0]["time"] == "1970-01-02T00:00:00.000Z"


def test_lines_tell_their_run_when_asked(folder: LogFolder) -> None:
    folder.write("stdout", b"one\n")

    assert both(folder, Style(run=7))[0]["run"] == 7


# --- holes --------------------------------------------------------------------------------------------------------


def test_what_is_not_kept_is_counted(folder: LogFolder) -> None:
    folder.write("stdout", b"a\n")
    folder.skip("stdout", 500)
    folder.write("stdout", b"b\n")

    before = read_output(log_of(folder), START, "combined", 1000, ended=True)
    after = read_output(log_of(folder), before.end, "combined", 1000, ended=True)

    assert (texts(before), before.missed_bytes, before.end, before.more) == (["a"], 0, Offsets(2, 0), True)
    assert (texts(after), after.missed_bytes, after.end, after.more) == (["b"], 500, folder.end, False)


def test_an_empty_segment_tells_where_all_that_is_deleted_ended(folder: LogFolder) -> None:
    (folder.path / f"stdout-{100:020d}.log").write_bytes(b"")

    output = read_output(log_of(folder), START, "combined", 1000, ended=True)

    assert output == Output([], Offsets(100, 0), False, False, 100)


@pytest.mark.parametrize("opened", [0, 1, 3])
@pytest.mark.parametrize("form", ["plain", "raw"])
def test_what_is_deleted_under_a_reader_is_counted_or_read(tmp_path: Path, form: Format, opened: int) -> None:
    folder = LogFolder(tmp_path / "run", segment_bytes=64)
    folder.write("stdout", numbered(640))
    with log_of(folder).look() as log:
        stream = log.streams["stdout"]
        assert stream.kept(0, 640) == 640
        stream.read(0, 64 * opened)
        folder.delete_oldest("stdout", keep=5)
        page = first_page(log, Span(START, log.end), ALL_LINES, Style(form), Budget(100, 1000), ended=True)
        missed = log.missing(page.start, page.end)

    read = sum(len(line["text"]) + (form == "plain") for line in page.lines)
    assert (read, missed) == (320 + 64 * opened, 320 - 64 * opened)


def test_a_search_that_matches_no_open_line_waits_for_its_end(folder: LogFolder) -> None:
    class Nothing:
        def forward(self, *_: object) -> object:
            return iter(())

        backward = forward

        def count(self, *_: object) -> int:
            return 0

    folder.write("stdout", b"line\nopen")
    nothing = Nothing()
    with log_of(folder).look() as log:
        for ended, end in ((False, Offsets(5, 0)), (True, folder.end)):
            span = Span(START, log.end)
            assert first_page(log, span, nothing, Style(), Budget(9, 99), ended=ended).end == end  # type: ignore[arg-type]
            assert last_page(log, span, nothing, Style(), Budget(9, 99), ended=ended).end == end  # type: ignore[arg-type]
        assert last_page(log, span, ALL_LINES, Style(), Budget(9, 99), ended=False).end == folder.end
