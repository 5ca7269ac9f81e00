"""Nothing that a child prints, or is called, can act on the terminal (failure mode D3)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistproc_cli.oneline import one_line
from persistproc_cli.sanitize import Sanitizer, sanitize

COLOUR = re.compile("\x1b\\[[0-9;:]*m")
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
OPENINGS = ["\x1b", "\x1b[", "\x1b]", "\x1bP", "\x1b\\", "\x9b", "\x9d", "\x9c", "\x07", "\x18"]
PARTS = [
    "[",
    "m",
    "1;31m",
    "2J",
    "?25l",
    ">4m",
    "]0;",
    "52;c;a",
    "\n",
    "\r",
    "\t",
    "\b",
    "\u202e",
    "\u2066",
    "é",
    "0" * 70,
]
pieces = st.lists(st.sampled_from(OPENINGS) | st.sampled_from(PARTS) | st.text(max_size=5), max_size=12)


@given(pieces.map("".join))
def test_only_colour_is_left(text: str) -> None:
    assert not FORBIDDEN.search(COLOUR.sub("", sanitize(text)))


@given(pieces.map("".join))
def test_doing_it_twice_changes_nothing(text: str) -> None:
    once = sanitize(text)

    assert sanitize(once) == once
    assert len(once) <= len(text)


@given(pieces)
def test_cutting_the_stream_differently_changes_nothing(parts: list[str]) -> None:
    sanitizer = Sanitizer()
    cut = "".join(map(sanitizer.feed, parts)) + sanitizer.close()

    assert cut == sanitize("".join(parts))


@given(pieces.map("".join))
def test_without_colour_no_escape_is_left(text: str) -> None:
    sanitizer = Sanitizer(colour=False)

    assert "\x1b" not in sanitizer.feed(text) + sanitizer.close()


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain é 漢 🎉\n", "plain é 漢 🎉\n"),
        ("\x1b[1;31mred\x1b[0m\r\n", "\x1b[1;31mred\x1b[0m\r\n"),
        ("\x1b[38:2::255:0:0mtrue\x1b[m", "\x1b[38:2::255:0:0mtrue\x1b[m"),
        ("a\x1b[2Jb\x1b[1;1Hc", "abc"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x1b]52;c;cm0gLXJm\x07b", "ab"),
        ("a\x1bPq#0;2;0;0;0\x1b\\b", "ab"),
        ("a\x1b_apc\x1b\\b\x1b^pm\x1b\\c\x1bXsos\x1b\\d", "abcd"),
        ("a\x9b2Jb\x9d0;t\x9cc", "abc"),
        ("a\x1b[>4;1mb", "ab"),
        ("a\x1b[?1049hb\x1bcc\x1b(0d", "abcd"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("\x1b\x1b[2J[31m", "[31m"),
        ("a\x1bPnever ends \x9b0", "a"),
        ("bell\x07 back\x08 del\x7f nul\x00", "bell back del nul"),
        ("100%\r200%", "100%\r200%"),
        ("[/] [bold] [link=x]", "[/] [bold] [link=x]"),
    ],
)
def test_corpus(text: str, safe: str) -> None:
    assert sanitize(text) == safe


def test_an_unfinished_title_swallows_its_line_and_no_more() -> None:
    assert sanitize("a\x1b]0;never ends\nnext") == "a\nnext"


def test_an_endless_string_is_not_collected() -> None:
    sanitizer = Sanitizer()
    sanitizer.feed("\x1b]0;")
    for _ in range(100):
        assert sanitizer.feed("x" * 10_000) == ""

    assert sanitizer.feed("\x07after") == "after"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("npm run dev", "npm run dev"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\u202etxt", "\\u202etxt"),
        ("caf\udce9", "caf\\xe9"),
        ("lone \ud800", "lone \\ud800"),
        ("漢 é 👩\u200d🚀 ", "漢 é 👩\u200d🚀 "),
        ("c1 \x9b2J", "c1 \\x9b2J"),
        ("line\u2028sep", "line\\u2028sep"),
    ],
)
def test_one_line(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(st.text())
def test_one_line_is_one_safe_line_and_stays_so(text: str) -> None:
    shown = one_line(text)

    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]", shown)
    assert one_line(shown) == shown
