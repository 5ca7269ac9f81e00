"""The endpoint's parts by themselves: addresses of resources, and work that is shared."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from persistproc_mcp.endpoint.addresses import PROCESSES, Address, address_in, addresses_of
from persistproc_mcp.endpoint.promptly import peek
from persistproc_mcp.endpoint.sharing import Sharing

# Also what stands for bytes of a folder's name that are no UTF-8 (PEP 383).
_names = st.text(st.characters(exclude_categories=["Cc"]), min_size=1, max_size=20)


@given(project=_names, name=_names)
def test_an_address_leads_back_to_what_it_is_of(project: str, name: str) -> None:
    by_project, by_directory, by_name = addresses_of(project, f"/srv/{project}", name, "output")
    assert address_in(by_project) == Address(f"{project}/{name}", "output")
    assert address_in(by_directory) == Address(f"/srv/{project}/{name}", "output")
    assert address_in(by_name) == Address(name, "output")
    assert all(uri.isascii() for uri in (by_project, by_directory, by_name))


@pytest.mark.parametrize(
    "uri",
    [
        PROCESSES,
        f"{PROCESSES}/",
        f"{PROCESSES}/web",
        f"{PROCESSES}/web/log",
        f"{PROCESSES}//output",
        f"{PROCESSES}/a/b/c/output",
        f"{PROCESSES}/%ff/output",
        "persistproc://process/web/output",
        f"x{PROCESSES}/web/output",
        "file:///etc/passwd",
        "",
    ],
)
def test_what_is_no_address_of_ours(uri: str) -> None:
    assert address_in(uri) is None


@pytest.mark.anyio
async def test_shared_work_begins_with_the_first_and_ends_with_the_last() -> None:
    log: list[str] = []

    async def work(begun: object) -> None:
        log.append("begun")
        assert callable(begun)
        begun()
        try:
            await anyio.sleep_forever()
        finally:
            log.append("ended")

    sharing = Sharing()
    async with sharing.running():
        async with sharing.held("events", work):
            async with sharing.held("events", work):
                assert "events" in sharing
                assert len(sharing) == 1
            assert log == ["begun"]
        assert len(sharing) == 0
        # It is asked to end at once, and begins anew for who comes meanwhile.
        async with sharing.held("events", work):
            assert log.count("begun") == 2
    assert log.count("ended") == 2


@pytest.mark.anyio
async def test_who_gives_up_before_the_work_has_begun_ends_it() -> None:
    ended = anyio.Event()

    async def never_begins(begun: object) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    sharing = Sharing()
    async with sharing.running():
        with anyio.move_on_after(0.01):
            async with sharing.held("events", never_begins):
                pytest.fail("it never began")
        with anyio.fail_after(5):
            await ended.wait()
        assert len(sharing) == 0


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "is_look_up"),
    [
        (b'{"id": 1, "method": "tools/call", "params": {"name": "list_processes"}}', True),
        (b'{"id": 1, "method": "tools/call", "params": {"name": "wait_for_process"}}', False),
        (b'{"id": 1, "method": "tools/call", "params": {"name": "start_process"}}', False),
        (b'{"method": "tools/call", "params": {"name": "list_processes"}}', False),
        (b'{"id": 1, "method": "prompts/get", "params": {"name": "list_processes"}}', False),
        (b'{"id": 1, "method": "tools/call", "params": {"name": ["list_processes"]}}', False),
        (b'{"id": 1, "method": "tools/call", "params": ["list_processes"]}', False),
        (b'[{"id": 1, "method": "tools/call", "params": {"name": "list_processes"}}]', False),
        (b"{", False),
        (b"\xff", False),
    ],
)
async def test_a_body_that_was_looked_into_is_read_once_more(body: bytes, is_look_up: bool) -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": body, "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    peeked = await peek(receive)
    assert peeked.is_look_up is is_look_up
    assert await peeked.receive() == {"type": "http.request", "body": body, "more_body": False}
    assert await peeked.receive() == {"type": "http.disconnect"}
