"""The wire between daemon and keeper: frames do not depend on how the bytes arrive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistproc_core.keeper.wire import FrameReader, frame, pack, unpack

fields = st.lists(st.binary(max_size=40), max_size=6)


@given(st.lists(fields, max_size=6), st.data())
def test_splitting_the_bytes_never_changes_the_frames(frames: list[list[bytes]], data: st.DataObject) -> None:
    whole = b"".join(frame(*each) for each in frames)
    found: list[list[bytes]] = []
    reader, position = FrameReader(), 0
    while position < len(whole):
        size = data.draw(st.integers(1, len(whole) - position))
        found += reader.feed(whole[position : position + size])
        position += size
    assert found == frames


@given(fields)
def test_a_torn_frame_gives_nothing(each: list[bytes]) -> None:
    whole = frame(*each)
    for size in range(len(whole)):
        assert list(FrameReader().feed(whole[:size])) == []


@given(st.lists(fields, max_size=5))
def test_lists_are_packed_into_fields(lists: list[list[bytes]]) -> None:
    assert [unpack(field) for field in unpack(pack(map(pack, lists)))] == lists


@given(st.binary(max_size=200))
def test_any_bytes_give_frames_or_a_value_error(data: bytes) -> None:
    try:
        found = list(FrameReader().feed(data))
    except ValueError:
        return
    assert sum(len(frame(*each)) for each in found) <= len(data)


def test_a_frame_that_is_too_long_is_refused_before_its_bytes_come() -> None:
    with pytest.raises(ValueError, match="too long"):
        list(FrameReader().feed((64 * 1024 * 1024 + 1).to_bytes(4, "big")))


@pytest.mark.parametrize(
    "data", [b"\0", b"\0\0\0", b"\0\0\0\1", b"\0\0\0\2a", b"\0\0\0\0\0\0\0\1", b"\xff\xff\xff\xff"]
)
def test_fields_that_run_past_the_end_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="past the end"):
        unpack(data)
