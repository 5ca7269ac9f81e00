"""Output as lines of text, as raw pieces, and cursors."""

from __future__ import annotations

import base64
import json
import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistproc_core.daemon.logs import Offsets, Piece, decode_cursor, encode_cursor, raw_lines
from persistproc_core.daemon.logs.text import clean_text, is_clean, shortened, unfinished
from persistproc_core.errors import InvalidParams


def plain(data: bytes) -> str:
    return clean_text(data).text


def ansi(data: bytes) -> str:
    return clean_text(data, colours=True).text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain", "plain"),
        (b"", ""),
        (b"tab\there", "tab\there"),
        (b"windows\r", "windows"),
        (b"windows\r\r", "windows"),
        (b"10%\r50%\r100%", "100%"),
        (b"10%\r100%\r", "100%"),
        (b"\r\x1b[2K\x1b[1Gbuilt", "built"),
        (b"old\x1b[1Gnew", "new"),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b[38;2;1;2;3mrgb\x1b[m", "rgb"),
        (b"\x1b[?25lhidden\x1b[?25h", "hidden"),
        (b"\x1b[38:5:1mcolon\x1b[0 q", "colon"),
        (b"\x1b]0;title\x07text", "text"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1bPq#0;2;0;0;0\x1b\\sixel", "sixel"),
        (b"\x1b_apc\x1b\\text", "text"),
        (b"\x1b(Btext\x1b=\x1b7\x1b8\x1bM", "text"),
        ("\u009b31mc1\u009b0m".encode(), "c1"),
        ("\u009d0;title\u009ctext\u0085".encode(), "text"),
        (b"bell\x07 nul\x00 vt\x0b del\x7f", "bell nul vt del"),
        (b"|\b/\b-\bdone", "done"),
        (b"b\bbo\bol\bld\bd", "bold"),
        (b"\b\bx", "x"),
        ("a\u202eb\u2066c\u200fd\u061ce".encode(), "abcde"),
        (b"\x1b]0;never ended", "0;never ended"),
        (b"\x1b[31", "31"),
        (b"esc\x1b", "esc"),
        ("日本 é 😀 नि".encode(), "日本 é 😀 नि"),
    ],
)
def test_a_line_is_made_plain(data: bytes, text: str) -> None:
    assert plain(data) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m"),
        (b"\x1b[38:2::1:2:3mrgb\x1b[m", "\x1b[38:2::1:2:3mrgb\x1b[m"),
        (b"\x1b[?25l\x1b[2J\x1b[Hhome", "home"),
        (b"\x1b[>4;2mno colour\x1b[4%m", "no colour"),
        (b"\x1b]0;title\x07\x1b[32mtext\x1b]52;c;Y2xpcA==\x1b\\", "\x1b[32mtext"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1bPq#0;2;0;0;0\x1b\\sixel", "sixel"),
        (b"\x1b[31m10%\r50%\r\x1b[0m", "\x1b[31m50%\x1b[0m"),
        (b"\x1b[31mold\rnew", "\x1b[31mnew"),
        ("\u009b31mc1\u009b0m".encode(), "c1"),
        (b"\x1b[31m|\b\x1b[32m/", "\x1b[31m\x1b[32m/"),
        (b"\x1b\x00[31mx", "[31mx"),
        (b"\x1b\x1b[31mx", "\x1b[31mx"),
        (b"\x1b", ""),
        (b"\x1b[31", "31"),
        ("a\u202eb".encode(), "ab"),
    ],
)
def test_of_a_line_nothing_but_colours_is_kept(data: bytes, text: str) -> None:
    assert ansi(data) == text


def test_what_is_no_utf_8_is_replaced_and_told() -> None:
    assert clean_text(b"caf\xe9") == ("caf\ufffd", True)
    assert clean_text("caf\ufffd".encode()) == ("caf\ufffd", False)


@pytest.mark.parametrize(
    ("data", "held"),
    [
        (b"text\r", 1),
        (b"text\x1b", 1),
        (b"text\x1b[", 2),
        (b"text\x1b[1;3", 5),
        (b"text\x1b]0;titl", 8),
        (b"text\x1b]8;;\x1b", 6),
        (b"text\x1bPdata", 6),
        (b"text\x1b(", 2),
        ("text日".encode()[:-1], 2),
        (b"text\x1b[0m", 0),
        (b"text", 0),
        (b"text\x1b]0;" + b"x" * 5000, 0),
    ],
)
def test_half_a_sequence_waits_for_its_rest(data: bytes, held: int) -> None:
    assert unfinished(data) == held


PARTS = [
    b"\x1b",
    b"[",
    b"]",
    b"3",
    b"1",
    b";",
    b"m",
    b"\x07",
    b"\\",
    b"P",
    b"\r",
    b"\b",
    b"\x9b",
    b"\x00",
    b"a",
    b"?",
    b"h",
]
HOSTILE = st.binary(max_size=200) | st.lists(st.sampled_from(PARTS), max_size=60).map(b"".join)


@given(HOSTILE)
def test_a_line_is_safe_to_print(data: bytes) -> None:
    for text in (plain(data), re.sub(r"\x1b\[[0-9;:]*m", "", ansi(data))):
        for char in text:
            assert char == "\t" or unicodedata.category(char) != "Cc"
            assert char not in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def test_all_bytes_and_every_cut_of_a_character() -> None:
    everything = bytes(range(256)) + "😀日é".encode()
    for begin in range(len(everything)):
        for end in (begin + 1, begin + 5, len(everything)):
            assert is_clean(plain(everything[begin:end]))
    for overlong in (b"\xc0\x8a", b"\xe0\x80\x8a", b"\xc0\x9b31m", b"\xf8\x88\x80\x80\x80", b"\xed\xa0\x80"):
        text, lossy = clean_text(overlong)
        assert lossy
        assert is_clean(text)


@pytest.mark.parametrize(
    "evil",
    [
        *(b"\x1b]", b"\x1b[", b"\r", b"\x1bP", b"a\b", b"\x1b[31m\b", b"\x1b[;", b"\x1b[1;m\r"),
        *(b"\xc2\x9d", b"\xc2\x90", b"\x1b]\xc2\x9d", b"\xc2\x9b", b"\xc2\x98\xc2\x9e\xc2\x9f"),
    ],
)
def test_a_hostile_line_costs_little(evil: bytes) -> None:
    begin = time.perf_counter()
    for data in (evil * 60_000, evil * 60_000 + b"m"):
        plain(data)
        ansi(data)
        unfinished(data)

    assert time.perf_counter() - begin < 4


# --- lines that are too long --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "most", "expected", "cut"),
    [
        ("short", 5, "short", 0),
        ("x" * 100, 50, "x" * 15 + "…[71 bytes cut]…" + "x" * 14, 71),
        ("日" * 40, 50, "日" * 5 + "…[93 bytes cut]…" + "日" * 4, 93),
        ("123456789", 4, "1234", 5),
        ("日本", 4, "日", 3),
        ("日本", 1, "", 6),
    ],
)
def test_the_middle_of_a_long_text_is_cut_out(text: str, most: int, expected: str, cut: int) -> None:
    assert shortened(text, most) == (expected, cut)


@given(st.text(max_size=200), st.integers(1, 300), st.integers(0, 10**9), st.text(max_size=200))
def test_what_is_cut_is_counted(text: str, most: int, missing: int, tail: str) -> None:
    short, cut = shortened(text, most, missing, tail if missing else "")

    whole = len(text.encode()) + missing + (len(tail.encode()) if missing else 0)
    note = f"…[{cut:,} bytes cut]…"
    left = short.replace(note, "", 1) if note in short and cut else short
    assert len(short.encode()) <= most
    assert len(left.encode()) + cut == whole


def test_a_cut_leaves_no_half_of_a_colour() -> None:
    for length in range(40, 80):
        text, cut = shortened("\x1b[31m" * 20, length)
        assert cut
        head, tail = text.split("…[")[0], text.split("]…")[-1]
        assert re.sub(r"\x1b\[31m", "", head) == ""
        assert re.sub(r"\x1b\[31m", "", tail) in ("", "31m", "1m", "m", "[31m")


@pytest.mark.parametrize("most", range(1, 20))
def test_in_the_smallest_room_there_is_no_half_of_a_colour_either(most: int) -> None:
    text, cut = shortened("\x1b[31m" * 20, most)

    assert (text, cut) == ("\x1b[31m" * (most // 5), 100 - most // 5 * 5)


# --- raw ----------------------------------------------------------------------------------------------------------


def test_raw_pieces_are_text_where_they_can_be() -> None:
    data = "\x1b[31mé\r\n\x00".encode()

    assert raw_lines([Piece("stdout", data), Piece("stderr", b"\xff\xfe")]) == [
        {"stream": "stdout", "text": data.decode()},
        {"stream": "stderr", "base64": "//4="},
    ]


@given(st.lists(st.binary(min_size=1)))
def test_raw_pieces_keep_every_byte_through_json(parts: list[bytes]) -> None:
    lines = json.loads(json.dumps(raw_lines([Piece("stdout", part) for part in parts])))

    back = [line["text"].encode() if "text" in line else base64.b64decode(line["base64"]) for line in lines]
    assert back == parts


# --- cursors ------------------------------------------------------------------------------------------------------


@given(st.integers(1, 10**8), st.integers(0, 10**17), st.integers(0, 10**17))
def test_a_cursor_comes_back(run: int, stdout: int, stderr: int) -> None:
    cursor = encode_cursor(run, Offsets(stdout, stderr))

    assert decode_cursor(cursor) == (run, Offsets(stdout, stderr))
    assert cursor.isascii()
    assert len(cursor) < 200


@pytest.mark.parametrize(
    "text", ["", "start", "1", "1:2", "1:2:3:4", "1:2:-3", " 1:2:3", "1:2:3\n", "1:2:٣", "1:2:" + "9" * 30]
)
def test_what_is_no_cursor_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InvalidParams) as caught:
        decode_cursor(text)

    assert "start" in caught.value.hint
