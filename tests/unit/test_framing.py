"""Bytes to messages: however the bytes arrive, whatever they are."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistproc_core.errors import InvalidRequest, ParseError, PersistprocError
from persistproc_core.framing import MAX_DEPTH, LineReader, decode, encode

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def lines_of(reader: LineReader, *chunks: bytes) -> list[bytes]:
    found = []
    for chunk in chunks:
        reader.feed(chunk)
        while (line := reader.next_line()) is not None:
            found.append(line)
    return found


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted(place % (len(data) + 1) for place in places)
    return [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]


def outcome(max_bytes: int, chunks: list[bytes]) -> tuple[list[bytes], bool]:
    """The lines, and whether the reader gave up."""
    reader = LineReader(max_bytes)
    found: list[bytes] = []
    try:
        for chunk in chunks:
            reader.feed(chunk)
            while (line := reader.next_line()) is not None:
                found.append(line)
    except InvalidRequest:
        return found, True
    return found, False


@given(st.lists(st.binary(max_size=20)), st.lists(st.integers(0, 10_000), max_size=8), st.integers(1, 30))
def test_splitting_the_input_differently_changes_nothing(pieces: list[bytes], places: list[int], cap: int) -> None:
    data = b"\n".join(pieces)

    assert outcome(cap, cut(data, places)) == outcome(cap, [data])


@given(st.lists(JSON_VALUES, max_size=5), st.lists(st.integers(0, 10_000), max_size=8))
def test_messages_arrive_as_they_were_sent(messages: list[object], places: list[int]) -> None:
    stream = b"".join(map(encode, messages))

    assert [decode(line) for line in lines_of(LineReader(), *cut(stream, places))] == messages


@given(st.binary(max_size=300))
def test_any_bytes_are_a_value_or_a_typed_error(line: bytes) -> None:
    try:
        value = decode(line)
    except PersistprocError:
        return
    assert json.loads(json.dumps(value, allow_nan=False)) == value or "Infinity" in json.dumps(value)


def test_carriage_returns_and_empty_lines_are_skipped() -> None:
    assert lines_of(LineReader(), b"\n\r\n1\r\n\n2\n3") == [b"1", b"2"]


def test_a_line_of_the_cap_is_taken_and_one_byte_more_is_refused() -> None:
    assert lines_of(LineReader(8), b"1234567\n") == [b"1234567"]
    with pytest.raises(InvalidRequest, match="longer than 8 bytes"):
        lines_of(LineReader(8), b"12345678\n")


def test_a_line_without_an_end_is_refused_at_the_cap() -> None:
    reader = LineReader(1000)
    assert lines_of(reader, *[b"x" * 100] * 9) == []
    with pytest.raises(InvalidRequest):
        lines_of(reader, b"x" * 100)


def test_the_lines_before_one_that_is_too_long_are_handed_out() -> None:
    reader = LineReader(8)
    reader.feed(b"1\n2\n" + b"3" * 20)

    assert [reader.next_line(), reader.next_line()] == [b"1", b"2"]
    with pytest.raises(InvalidRequest):
        reader.next_line()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b"[1,]",
        b"NaN",
        b"Infinity",
        b'{"a": -Infinity}',
        b"\xff\xfe",
        b'"\xed\xa0\x80"',  # a surrogate in UTF-8
        '{"a": 1}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",  # a byte order mark
        b'{"a": 1}{"b": 2}',
        b'"a\x00b"',
        b"9" * 5000,  # int() refuses so many digits
        b"[" * MAX_DEPTH,
    ],
)
def test_what_is_not_json_is_a_parse_error(line: bytes) -> None:
    with pytest.raises(ParseError):
        decode(line)


def test_nesting_is_refused_beyond_the_cap_and_before_the_parser_recurses() -> None:
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert encode(decode(deepest)) == deepest + b"\n"
    for line in (b"[" + deepest + b"]", b'{"a":' * 40 + b"1" + b"}" * 40, b"[" * 200_000):
        with pytest.raises(InvalidRequest, match="nests deeper"):
            decode(line)


def test_brackets_in_text_are_no_nesting() -> None:
    text = '[{"' * 100 + "\\" * 3 + '"['

    assert decode(encode({"text": text})) == {"text": text}


def test_a_wide_message_is_not_a_deep_one() -> None:
    assert decode(b"[" + b"[]," * 1000 + b"[]]") == [[]] * 1001


def test_of_two_equal_keys_the_last_one_counts() -> None:
    assert decode(b'{"a": 1, "a": 2}') == {"a": 2}


def test_lone_surrogates_survive() -> None:
    # The name of a file that is not UTF-8 is such text in Python (PEP 383).
    assert decode(encode("caf\udce9")) == "caf\udce9"
    assert decode(rb'"\udce9"') == "\udce9"


def test_a_message_is_ascii_and_one_line() -> None:
    assert encode({"a": "ü\n\u2028"}) == b'{"a":"\\u00fc\\n\\u2028"}\n'


def test_nan_is_never_sent() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode(float("nan"))
