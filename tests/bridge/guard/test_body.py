"""Reading a body: whole, bounded, and given to the route once more."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from anyio import sleep_forever
from starlette.types import Message, Receive

from persistproc_mcp.guard import limits
from persistproc_mcp.guard.body import Body, Gone
from persistproc_mcp.guard.refusal import Refusal

pytestmark = pytest.mark.anyio


def receiving(parts: Iterable[bytes], *, ends: bool = True) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if ends:
        messages.append({"type": "http.request", "body": b"", "more_body": False})
    messages.append({"type": "http.disconnect"})

    async def receive() -> Message:
        return messages.pop(0)

    return receive


async def test_parts_are_put_together_and_read_again() -> None:
    body = Body(receiving([b'{"a"', b":1}"]))
    whole = await body.read()
    assert whole == b'{"a":1}'
    receive = body.again(whole)
    assert await receive() == {"type": "http.request", "body": b'{"a":1}', "more_body": False}
    assert await receive() == {"type": "http.disconnect"}


async def test_a_client_that_goes_away() -> None:
    with pytest.raises(Gone):
        await Body(receiving([b"{"], ends=False)).read()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xff\xfe", "not_utf8"),
        ('{"a":1}'.encode("utf-16-le"), "not_utf8"),
        (b'{"a":"\0"}', "not_utf8"),
        (b"[" * 33, "nested_too_deep"),
        (b'{"\\"[":' * 33, "nested_too_deep"),
        (b"x" * (limits.MAX_BODY_BYTES + 1), "body_too_large"),
    ],
)
async def test_what_is_refused(body: bytes, code: str) -> None:
    refusal = await Body(receiving([body])).read()
    assert isinstance(refusal, Refusal)
    assert refusal.code == code


async def test_endless_parts_are_not_collected() -> None:
    taken = 0

    async def receive() -> Message:
        nonlocal taken
        taken += 65536
        return {"type": "http.request", "body": bytes(65536), "more_body": True}

    refusal = await Body(receive).read()
    assert isinstance(refusal, Refusal)
    assert refusal.status == 413
    assert taken <= limits.MAX_BODY_BYTES + 65536


@pytest.mark.parametrize("body", [b"", b"{", b"nothing", '"ä"'.encode(), b'"' + b"[" * 100 + b'"', b"[1," * 30])
async def test_what_the_route_may_say_itself(body: bytes) -> None:
    assert await Body(receiving([body])).read() == body


async def test_what_is_left_is_discarded_to_its_end_and_no_further() -> None:
    receive = receiving([b"x" * 10] * 5)
    body = Body(receive)
    await body.discard()
    assert await receive() == {"type": "http.disconnect"}
    # At its end nothing more is waited for.
    await body.discard()


async def test_a_client_that_goes_away_while_it_is_discarded() -> None:
    await Body(receiving([b"x"], ends=False)).discard()


async def test_what_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LINGER_SECONDS", 0.01)

    async def receive() -> Message:
        await sleep_forever()
        raise AssertionError

    await Body(receive).discard()
