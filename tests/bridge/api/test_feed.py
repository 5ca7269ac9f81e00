"""What is under the streams: places that are sent back, signs of life, words for events."""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64encode

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistproc_core.errors import InvalidParams
from persistproc_core.protocol import Event, Stream
from persistproc_mcp.api.beginnings import Beginnings, Begun
from persistproc_mcp.api.feed import Feed
from persistproc_mcp.api.items import Item, event_item
from persistproc_mcp.api.place import Place
from persistproc_mcp.api.server_sent import encoded
from persistproc_mcp.api.streams import carry
from persistproc_mcp.hub import Hub
from tests.kit import Daemon

NAMES = st.text(max_size=20)
SCOPE = {"type": "http", "headers": [(b"user-agent", b"feed-test/1")]}


@given(st.integers(0, 2**53), st.dictionaries(NAMES, NAMES), st.dictionaries(NAMES, st.integers(0, 2**53)))
def test_a_place_comes_back_as_it_was(after: int, cursors: dict[str, str], told: dict[str, int]) -> None:
    place = Place(after)
    place.cursors, place.told = cursors, told
    text = place.encoded()
    assert text.isascii()
    assert text.replace("-", "").replace("_", "").isalnum()
    again = Place.decoded(text)
    assert (again.after, again.cursors, again.told) == (after, cursors, told)


@pytest.mark.anyio
async def test_pieces_of_a_line_are_put_together() -> None:
    begun: Begun = {}
    beginnings = Beginnings(begun)

    def taken(text: str, stream: Stream = "stdout", **more: bool) -> list[str]:
        line = {"stream": stream, "text": text, **more}
        return [each["text"] for each in beginnings.take("/shop/web", {"lines": [line]})["lines"]]  # type: ignore[typeddict-item]

    assert beginnings.deadline == float("inf")
    assert taken("tick", partial=True) == []
    assert taken("other", stream="stderr") == ["other"]
    assert taken(" ", partial=True) == []
    assert begun == {"/shop/web": {"stdout": "tick "}}
    assert taken("35") == ["tick 35"]
    assert taken("1 %", partial=True) == []
    assert taken("2 %", overwrites=True) == ["2 %"]
    # A long one does not wait, for what waits is in a header.
    assert taken("x" * 5000, partial=True) == ["x" * 5000]
    assert begun == {}
    assert beginnings.deadline == float("inf")
    taken("Name? ", partial=True)
    assert beginnings.due() is None
    await anyio.sleep_until(beginnings.deadline)
    assert beginnings.due() == ("/shop/web", [{"stream": "stdout", "text": "Name? ", "partial": True}])
    assert beginnings.due() is None


def packed(data: bytes) -> str:
    return urlsafe_b64encode(zlib.compress(data)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "ä",
        "1234",
        packed(b"[]"),
        packed(b"{"),
        packed(b'{"after":0,"cursors":{"a":1},"told":{}}'),
        packed(b'{"after":0,"cursors":{},"told":[]}'),
        packed(b'{"after":0,"cursors":{},"told":{},"begun":{"a":{"stdin":"x"}}}'),
        packed(b" " * 100_000_000),
    ],
    ids=["short", "not-ascii", "not-packed", "list", "not-json", "number", "no-object", "no-stream", "bomb"],
)
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidParams, match="not one of this stream"):
        Place.decoded(text)


def test_a_place_of_a_hundred_processes_fits_into_a_header() -> None:
    place = Place(1000)
    for number in range(100):
        key = f"/home/somebody/projects/a-project-of-mine/service-{number}"
        place.cursors[key] = f"{number % 7}:{number * 7_919_123}:{number * 104_729}"
        place.told[key] = 1000 + number * 3
    assert len(place.encoded()) < 8000


@pytest.mark.anyio
async def test_a_quiet_stream_gives_signs_of_life(shared_daemon: Daemon) -> None:
    written: list[Item | None] = []

    async def write(item: Item | None) -> None:
        written.append(item)
        if len(written) == 3:
            scope.cancel()

    async with Hub(shared_daemon.home) as hub, await Feed.events(hub, SCOPE, {}) as feed:
        with anyio.fail_after(10), anyio.CancelScope() as scope:
            await carry(feed, write, heartbeat_seconds=0.01)
    assert written == [None] * 3


def event(**more: object) -> Event:
    common = {"sequence": 7, "time": "2026-11-22T14:02:11.123Z", "name": "web", "project": "shop", "pid": None}
    return {**common, "project_directory": "/shop", "run": 1, "run_id": "web.1", "state": "failed", **more}  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (event(type="failed", exit_code=1, signal=None), "web failed (exit code 1)"),
        (
            event(type="stopped", exit_code=None, signal="SIGTERM", reason="stopped by x"),
            "web stopped (SIGTERM): stopped by x",
        ),
        (event(type="port_opened", port=80, address="::1"), "web port opened 80 on ::1"),
        (event(type="waiting_for_input", text="Go on?\x1b[1m"), "web waiting for input: Go on? [1m"),
        (event(type="removed", by={"name": "cursor"}), "web removed: by cursor"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else str(value).split()[1],
)
def test_an_event_in_words(given: Event, words: str) -> None:
    item = event_item(given, "7")
    assert item.text.split(" ", 1)[1] == words
    assert "\n" not in item.text


def test_an_event_on_the_wire() -> None:
    item = Item("output", {"type": "output"}, "one\ntwo", "7")
    assert encoded(item, text=True) == b"id: 7\nevent: output\ndata: one\ndata: two\n\n"
    assert encoded(item, text=False) == b'id: 7\nevent: output\ndata: {"type":"output"}\n\n'
