"""Which port a program could not have, from what it printed."""

from __future__ import annotations

import pytest

from persistproc_mcp.tools.ports import _named_port


@pytest.mark.parametrize(
    ("line", "port"),
    [
        ("Error: listen EADDRINUSE: address already in use :::3000", 3000),
        ("2026-03-01 12:30:45 [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)", 80),
        ("2026/03/01 12:30:45 listen tcp :8080: bind: address already in use", 8080),
        ("12:30:45.123 ERROR [Errno 98] bind on address ('127.0.0.1', 8000): address already in use", 8000),
        ("2026-03-01T12:30:45Z listen tcp [::1]:80: bind: address already in use", 80),
        ("Web server failed to start. Port 8080 was already in use.", 8080),
        ('Os { code: 98, kind: AddrInUse, message: "Address already in use" }', None),
        ("error: Address already in use (os error 98)", None),
    ],
    ids=["node", "nginx", "go", "python", "time-zone", "spring", "rust", "rust-words"],
)
def test_times_and_error_numbers_are_no_ports(line: str, port: int | None) -> None:
    assert _named_port([line]) == port
