"""What the relay knows of MCP and of HTTP, without a bridge."""

from __future__ import annotations

import itertools
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.inbound import NAME_BEARING_METHODS, decode_header_value, encode_header_value

from persistproc_mcp.relay import messages
from persistproc_mcp.relay.events import data_of
from persistproc_mcp.relay.lines import lines_of
from persistproc_mcp.tools.declared import TOOLS
from tests.bridge.relay import modern
from tests.meta.sources import ROOT
from tests.meta.test_imports import LIGHT, loaded


@given(st.text())
def test_a_header_value_is_what_the_sdk_makes_of_it(text: str) -> None:
    # A lone surrogate cannot be in a JSON text that the SDK has read.
    text = text.encode("utf-8", "replace").decode()
    made = messages.header_value(text)
    assert made.isascii()
    assert made.isprintable()
    assert decode_header_value(made) == text
    if decode_header_value(text) == text:
        assert made == encode_header_value(text)


def test_read_tools_are_those_that_say_so() -> None:
    assert {name for name, tool in TOOLS.items() if tool.read_only} == messages.READ_TOOLS


@pytest.mark.parametrize("method", sorted(NAME_BEARING_METHODS))
def test_the_headers_mirror_a_message_without_a_handshake(method: str) -> None:
    message = {"method": method, "params": modern(**{NAME_BEARING_METHODS[method]: "büro"})}
    assert messages.version_headers(message, "2025-06-18") == [
        "MCP-Protocol-Version: 2026-07-28",
        f"Mcp-Method: {method}",
        f"Mcp-Name: {encode_header_value('büro')}",
    ]


def test_the_headers_of_a_message_after_a_handshake() -> None:
    assert messages.version_headers({"method": "tools/list"}, "2025-06-18") == ["MCP-Protocol-Version: 2025-06-18"]
    assert messages.version_headers({"method": "tools/list"}, None) == []
    assert messages.version_headers({"method": "initialize"}, "2025-06-18") == []


@pytest.mark.parametrize(
    ("info", "header"),
    [
        ({"name": "cursor", "version": "1.2"}, "cursor/1.2"),
        ({"name": "a/b\r\nHost: evil"}, "a-bHost: evil/"),
        ({"name": "☃"}, None),
        ("cursor", None),
    ],
)
def test_the_name_of_a_client_is_fit_for_a_header(info: object, header: str | None) -> None:
    assert messages.client_header({"method": "initialize", "params": {"clientInfo": info}}) == header


def test_a_path_is_percent_encoded() -> None:
    assert messages.percent_encoded("/a b/é\n".encode()) == "/a%20b/%C3%A9%0A"


STREAM = (
    b': ping\r\n\r\nevent: message\r\nid: 1\r\ndata: {"a":1}\r\n\r\ndata: {"b":\ndata: 2}\n\nretry: 5\n\ndata:3\n\n'
)


@given(st.lists(st.integers(1, len(STREAM) - 1)))
def test_events_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    ends = sorted({len(STREAM), *cuts})
    pieces = [STREAM[begin:end] for begin, end in itertools.pairwise([0, *ends])]
    assert list(data_of(pieces)) == [b'{"a":1}', b'{"b":\n2}', b"3"]


def test_a_line_that_is_too_long_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("persistproc_mcp.relay.lines.MAX_MESSAGE_BYTES", 100)
    reader, writer = os.pipe()
    os.write(writer, b"one\r\n\n" + b"x" * 300 + b"\n" + b"y" * 101 + b"\ntwo\nrest")
    os.close(writer)
    try:
        assert list(lines_of(reader)) == [b"one", None, None, b"two"]
    finally:
        os.close(reader)


def test_the_relay_loads_little() -> None:
    path = f"import sys; sys.path.append({str(ROOT)!r})"
    before, after = loaded(path, "-I", "-S"), loaded(f"{path}\nimport persistproc_mcp.relay.program", "-I", "-S")
    wanted = LIGHT | {"threading", "subprocess", "socket", "http.client", "urllib.parse", "persistproc_core.client"}
    assert wanted.intersection(set(after) - set(before)) == set()
