"""Output as lines of text, as raw pieces, and cursors."""

from __future__ import annotations

import base64
import json
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persistproc_core.daemon.logs import (
    Offsets,
    Piece,
    RunLog,
    decode_cursor,
    encode_cursor,
    plain_lines,
    raw_lines,
    read_output,
)
from persistproc_core.errors import InvalidParams
from tests.daemon.unit.logfolder import LogFolder


def out(data: bytes) -> Piece:
    return Piece("stdout", data)


def err(data: bytes) -> Piece:
    return Piece("stderr", data)


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
    assert plain_lines([out(data + b"\n")]).lines == [{"stream": "stdout", "text": text, "partial": False}]


def test_what_is_no_utf_8_is_replaced_and_told() -> None:
    done = plain_lines([out(b"caf\xe9\n")])

    assert done.lines[0]["text"] == "caf\ufffd"
    assert done.lossy
    assert not plain_lines([out("caf\ufffd\n".encode())]).lossy


def test_a_line_stays_whole_while_the_other_stream_prints() -> None:
    done = plain_lines([out(b"begin "), err(b"warning\n"), out(b"end\nprompt> ")])

    assert done.lines == [
        {"stream": "stderr", "text": "warning", "partial": False},
        {"stream": "stdout", "text": "begin end", "partial": False},
        {"stream": "stdout", "text": "prompt> ", "partial": True},
    ]


def test_both_streams_may_have_an_open_line() -> None:
    assert [line.get("partial") for line in plain_lines([out(b"a"), err(b"b")]).lines] == [True, True]


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
    done = plain_lines([out(b"line\n" + data)])

    assert done.held == Offsets(held, 0)
    assert done.lines[1]["text"].startswith("text")
    assert not held or done.lines[1]["text"] == "text"
    assert plain_lines([out(data)], final=True).held == Offsets(0, 0)


@given(st.binary(max_size=200))
def test_a_plain_line_is_safe_to_print(data: bytes) -> None:
    for line in plain_lines([out(data)], final=True).lines:
        for char in line["text"]:
            assert char == "\t" or unicodedata.category(char) != "Cc"
            assert char not in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize("evil", [b"\x1b]" * 60000, b"\x1b[" * 60000, b"\r" * 120000, b"\x1bP" * 60000, b"a\b" * 60000])
def test_a_hostile_line_costs_little(evil: bytes) -> None:
    import time

    begin = time.perf_counter()
    plain_lines([out(evil)])
    plain_lines([out(evil + b"\n")])

    assert time.perf_counter() - begin < 1


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([b"a", b"\x1b[31m", b"\x1b]0;t\x07", b"\n", b"\r\n", "日".encode()])), st.integers(1, 9)
)
def test_reading_in_pieces_shows_the_same_text(parts: list[bytes], size: int) -> None:
    """Whatever the reads cut through, no rest of a sequence turns up as text."""
    data = b"".join(parts)
    with tempfile.TemporaryDirectory() as path:
        folder = LogFolder(Path(path))
        at, lines = Offsets(0, 0), ""
        for begin in range(0, len(data), size):
            folder.write("stdout", data[begin : begin + size])
            output = read_output(RunLog(path), at, "combined", 1000, raw=False, ended=begin + size >= len(data))
            at = output.end
            lines += "".join(line["text"] + "\n" * (not line["partial"]) for line in output.lines)

    assert lines == "".join(
        line["text"] + "\n" * (not line["partial"]) for line in plain_lines([out(data)], final=True).lines
    )


def test_a_limit_shorter_than_a_sequence_is_no_dead_end(tmp_path: Path) -> None:
    folder = LogFolder(tmp_path / "run")
    folder.write("stdout", b"\x1b[38;2;100;100;100m" * 3 + b"end\n")
    log = RunLog(str(folder.path))

    at, more, reads = Offsets(0, 0), True, 0
    while more:
        output = read_output(log, at, "combined", 4, raw=False, ended=False)
        at, more, reads = output.end, output.more, reads + 1
        assert reads < 50

    assert at == folder.end


# --- raw ----------------------------------------------------------------------------------------------------------


def test_raw_pieces_are_text_where_they_can_be() -> None:
    data = "\x1b[31mé\r\n\x00".encode()

    assert raw_lines([out(data), err(b"\xff\xfe")]) == [
        {"stream": "stdout", "text": data.decode()},
        {"stream": "stderr", "base64": "//4="},
    ]


@given(st.lists(st.binary(min_size=1)))
def test_raw_pieces_keep_every_byte_through_json(parts: list[bytes]) -> None:
    lines = json.loads(json.dumps(raw_lines([out(part) for part in parts])))

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
