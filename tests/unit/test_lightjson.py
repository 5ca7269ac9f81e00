"""The client's JSON against the module json: the same values, the same texts, the same refusals."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistproc_core.client import lightjson

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def by_json(value: object) -> str | None:
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return None


@given(VALUES)
def test_writing(value: object) -> None:
    expected = by_json(value)
    if expected is None:
        with pytest.raises(ValueError, match="not JSON compliant"):
            lightjson.dumps(value)
    else:
        assert lightjson.dumps(value) == expected
        assert lightjson.loads(expected.encode()) == value


@given(st.binary(max_size=50) | st.text('[]{}",:truefalsn0123e.-+ \\', max_size=20).map(str.encode))
def test_reading_anything(line: bytes) -> None:
    try:
        expected = json.loads(line.decode())
        json.dumps(expected, allow_nan=False)
    except ValueError:
        return
    assert lightjson.loads(line) == expected


@pytest.mark.parametrize(
    "line", [b"", b" ", b"NaN", b"[Infinity]", b"{", b"[1,]", b"1 2", b"\xff", b"9" * 5000, b"[" * 100_000, b'"\x00"']
)
def test_what_is_not_json(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own texts, which differ between versions
        lightjson.loads(line)


def test_space_around_the_value() -> None:
    assert lightjson.loads(b' {"a": [1, 2.5, null]} \r') == {"a": [1, 2.5, None]}


@pytest.mark.parametrize("value", [b"bytes", {"a": {1}}, object()])
def test_what_json_cannot_hold(value: object) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        lightjson.dumps(value)


def test_keys_that_are_no_text_are_left_to_json() -> None:
    assert lightjson.dumps({1: "a", None: (1, 2)}) == '{"1":"a","null":[1,2]}'


def test_without_the_accelerator_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lightjson, "_scan", None)
    assert lightjson.loads(b'{"a":"\\ud83d\\ude00"}') == {"a": "😀"}
