"""Lines of several processes: their order, their prefixes, and colours that end with the line; without a daemon."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistproc_cli.arguments import UsageError, parse
from persistproc_cli.joining import Joiner
from persistproc_cli.lines import LineSink, safe_line
from persistproc_cli.main import command_named
from persistproc_cli.merge import merged
from persistproc_cli.prefixes import Prefixes
from persistproc_cli.selection import Selection
from persistproc_cli.sift import Pattern, Sieve
from persistproc_cli.sizes import size_in
from persistproc_cli.sources import Source
from persistproc_core.protocol import OutputLine
from tests.cli.test_render import info

COLOUR = re.compile("\x1b\\[[0-9;:]*m")
FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def lines(*items: str | tuple[str, str]) -> list[OutputLine]:
    """Lines with a time, or without."""
    return [
        {"stream": "stdout", "text": item}
        if isinstance(item, str)
        else {"stream": "stdout", "text": item[1], "time": f"2026-01-01T00:00:{item[0]}.000Z"}
        for item in items
    ]


def selection(*words: str) -> Selection:
    return Selection(parse(command_named("logs"), words))


def test_lines_are_merged_by_time() -> None:
    a = lines(("01", "a1"), ("03", "a2"), ("03", "a3"))
    b = lines(("02", "b1"), ("03", "b2"), ("04", "b3"))

    assert [line["text"] for _, line in merged([a, b])] == ["a1", "b1", "a2", "a3", "b2", "b3"]
    assert [number for number, _ in merged([b, a])] == [1, 0, 0, 1, 1, 0]


def test_a_clock_that_was_set_back_changes_no_order_within_a_log() -> None:
    a = lines(("05", "a1"), ("01", "a2"), ("06", "a3"))
    b = lines(("02", "b1"), ("07", "b2"))

    assert [line["text"] for _, line in merged([a, b])] == ["b1", "a1", "a2", "a3", "b2"]


@given(st.lists(st.lists(st.integers(0, 59), max_size=6), max_size=5))
def test_merging_loses_and_doubles_nothing(logs: list[list[int]]) -> None:
    made = [
        lines(*((f"{at:02d}", f"{number}.{index}") for index, at in enumerate(log))) for number, log in enumerate(logs)
    ]
    shown = list(merged(made))

    for number, log in enumerate(made):
        assert [line for found, line in shown if found == number] == log
    if all(log == sorted(log) for log in logs):
        assert [line["time"] for _, line in shown] == sorted(line["time"] for _, line in shown)


def test_merging_reads_no_further_than_it_shows() -> None:
    read: list[str] = []

    def log(name: str) -> object:
        for at in range(50):
            read.append(name)
            yield lines((f"{at:02d}", name))[0]

    next(iter(merged([log("a"), log("b")])))  # type: ignore[list-item]

    assert len(read) == 2


def test_prefixes_are_aligned_and_plain_when_piped() -> None:
    prefixes = Prefixes(["web", "database", "漢"])

    assert prefixes.of("web", "stdout") == "web      | "
    assert prefixes.of("漢", "stderr") == "漢       | "
    assert prefixes.of("a-name-that-came-later", "stdout") == "a-name-that-came-later | "
    assert prefixes.of("web", "stdout") == "web                    | "
    assert prefixes.of("e\x1b[2J", "stdout").startswith("e\\x1b[2J ")


def test_prefixes_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = os.openpty()
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    with open(slave, "w", encoding="utf-8") as terminal, open(master, "rb", buffering=0):
        monkeypatch.setattr("sys.stdout", terminal)
        prefixes_in_colours()


def prefixes_in_colours() -> None:
    names = ["web", "api", "db", "worker", "cache", "mail", "proxy", "docs"]
    colours = {name: COLOUR.findall(Prefixes(names).of(name, "stdout"))[0] for name in names}

    assert len(set(colours.values())) == len(names)
    assert {name: COLOUR.findall(Prefixes([*names, "x"]).of(name, "stdout"))[0] for name in names} == colours
    assert COLOUR.findall(Prefixes(["web"]).of("web", "stderr"))[2] == "\x1b[31m"
    assert "\x1b[31m" not in Prefixes(["web"]).of("web", "stdout")
    assert all(Prefixes(map(str, range(30))).of(str(number), "stdout") for number in range(30))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢 🎉", "plain é 漢 🎉"),
        ("\x1b[31mred", "\x1b[31mred\x1b[0m"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x1b[31mred\x1b[m", "\x1b[31mred\x1b[m"),
        ("10%\r20%\r30%\r", "30%"),
        ("a\x1b[1A\x1b[2Kb", "ab"),
        ("a\nb", "a b"),
        ("tab\tstop", "tab\tstop"),
        ("\u202eabc\x9b2J", "abc"),
    ],
)
def test_a_line_beside_others(text: str, shown: str) -> None:
    assert safe_line(text, colour=True) == shown
    assert "\x1b" not in safe_line(text, colour=False)


@given(st.text(st.sampled_from("\x1b[]m3;1\r\n\x07\x9b\u202eab\tJ"), max_size=30))
def test_no_line_acts_on_the_terminal_or_on_the_next_line(text: str) -> None:
    shown = safe_line(text, colour=True)

    assert not FORBIDDEN.search(COLOUR.sub("", shown).replace("\t", ""))
    found = COLOUR.findall(shown)
    assert not found or found[-1] in ("\x1b[0m", "\x1b[m")


def show(capfdbinary: pytest.CaptureFixture[bytes], sink: LineSink, *shown: tuple[str, OutputLine]) -> bytes:
    for name, line in shown:
        sink.line(Source(info(name=name, project_directory="/elsewhere/shop"), run=1, live=True), line)
    sink.flush()
    return capfdbinary.readouterr().out


def test_a_sink(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    sink = LineSink(prefixes=Prefixes(["shop/a", "shop/bb"]), timestamps=False)
    first: OutputLine = {"stream": "stdout", "text": "name? ", "partial": True}
    rest: OutputLine = {"stream": "stdout", "text": "hello"}
    twice: OutputLine = {"stream": "stderr", "text": "again", "repeated": 2}

    assert show(capfdbinary, sink, ("a", first), ("a", rest)) == b"shop/a  | name? hello\n"
    assert show(capfdbinary, sink, ("a", first), ("bb", rest)) == b"shop/a  | name? \nshop/bb | hello\n"
    assert show(capfdbinary, sink, ("bb", twice)) == b"shop/bb | again\n" * 2


def test_a_sink_with_times(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    sink = LineSink(prefixes=None, timestamps=True)

    assert show(capfdbinary, sink, ("a", lines(("07", "x"))[0])) == b"2026-01-01T00:00:07.000Z x\n"


def test_halves_of_lines_are_joined() -> None:
    joiner = Joiner()
    half: OutputLine = {"stream": "stdout", "text": "ab", "partial": True, "time": "1"}
    other: OutputLine = {"stream": "stderr", "text": "x"}
    rest: OutputLine = {"stream": "stdout", "text": "cd", "time": "2"}

    assert joiner.feed(half) == []
    assert joiner.feed(other) == [other]
    assert bool(joiner)
    assert joiner.feed(rest) == [{"stream": "stdout", "text": "abcd", "time": "1"}]
    assert not joiner
    joiner.feed(half)
    assert joiner.close() == [half]
    joiner.feed(half)
    instead: OutputLine = {"stream": "stdout", "text": "100%", "overwrites": True}
    assert [line["text"] for line in joiner.feed(instead)] == ["100%"]
    long: OutputLine = {"stream": "stdout", "text": "x" * 20_000, "partial": True}
    assert joiner.feed(long) == [long]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("-g b", "b1 b2"),
        ("-g B", ""),
        ("-g B -i", "b1 b2"),
        ("-g b -v", "a1 a2 a3 c1"),
        ("-g b -A 1", "b1 (a2) b2 (a3)"),
        ("-g b -B 1", "(a1) b1 (a2) b2"),
        ("-g c -C 2", "(b2) (a3) c1"),
        ("-g [bc] -C 1", "(a1) b1 (a2) b2 (a3) c1"),
        ("-g b1 -C 9", "(a1) b1 (a2) (b2) (a3) (c1)"),
    ],
)
def test_grep_of_what_comes(words: str, shown: str) -> None:
    sieve = Sieve(Pattern(selection(*words.split())))
    passed = [found for line in lines("a1", "b1", "a2", "b2", "a3", "c1") for found in sieve.sift(line)]

    assert " ".join(f"({p['text']})" if p.get("context") else p["text"] for p in passed) == shown


def test_a_pattern_that_python_does_not_know() -> None:
    with pytest.raises(UsageError, match="-f"):
        Pattern(selection("-g", "(["))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--head 3 -n 3", "first lines or the last"),
        ("-i", "--grep"),
        ("-C 2", "--grep"),
        ("-f --until 5m", "--follow"),
        ("-f --head 5", "--follow"),
        ("-f --new", "--follow"),
        ("-g x -C 101", "context"),
        ("--stream both", "--stream"),
        ("-n some", "--lines needs a whole number or all"),
        ("--since=", "--since"),
        ("--grep=", "--grep"),
    ],
)
def test_selections_that_are_refused(words: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        selection(*words.split())


@pytest.mark.parametrize(
    ("words", "tail"),
    [("", 100), ("-n 5", 5), ("-n all", None), ("--since 1h", None), ("--since 1h -n 7", 7), ("-g x", None),
     ("--until 1h", 100), ("--new", None), ("--head 3", None), ("-n 0", 0)],
)  # fmt: skip
def test_how_many_lines_are_asked_for(words: str, tail: int | None) -> None:
    assert selection(*words.split()).tail == tail


def test_how_many_lines_under_the_name_that_docker_and_kubectl_use() -> None:
    assert selection("--tail", "7").tail == 7


def test_context_is_asked_for_by_side() -> None:
    params = selection("-g", "x", "-C", "3", "-A", "0", "-v").params

    assert params.get("context_before") == 3
    assert "context_after" not in params
    assert params["invert"] is True


@pytest.mark.parametrize(
    ("text", "size"),
    [("65536", 65536), ("500K", 512000), ("64M", 64 << 20), ("64MiB", 64 << 20), ("64mb", 64_000_000), ("2g", 2 << 30),
     ("1T", 1 << 40), ("10b", 10), ("1.5G", 1536 << 20)],
)  # fmt: skip
def test_sizes_as_people_write_them(text: str, size: int) -> None:
    assert size_in(parse(command_named("start"), ["--keep-bytes", text, "x"]), "--keep-bytes") == size


@pytest.mark.parametrize("text", ["", "M", "-1", "0", "64X", "1MM", "99999T", "ib"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError, match="--keep-bytes"):
        size_in(parse(command_named("start"), [f"--keep-bytes={text}", "x"]), "--keep-bytes")
