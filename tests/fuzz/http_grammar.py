"""HTTP requests that are nearly right: methods, paths, headers, framings, bodies; lies, cuts and queues of them.

Each that would start something is refused by its Host, whatever else becomes of it: no changed byte makes that right.
"""

from __future__ import annotations

import json
import random

from tests.fuzz.mutate import Mutator

__all__ = ["HttpGrammar"]

_METHODS = (
    "GET",
    "POST",
    "POST",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "get",
    "",
    "P" * 300,
)
_PATHS = (
    *("/", "/health", "/docs", "/docs.css", "/openapi.json", "/rpc", "/rpc/", "/mcp", "/mcp/", "//rpc", "/rpc?x=1"),
    *("/api/processes", "/api/processes/nobody", "/api/processes/nobody/output", "/api/processes/nobody/stop"),
    *("/api/processes/%2e%2e/x", "/api/processes/a%00b", "/api/processes/%ff", "/api/processes/" + "a" * 3000),
    *("/api/marks", "/api/news", "/api/prune?dry_run=true", "/api/daemon", "/api/nothing", "/api/../rpc", "*", ""),
    *("/api/processes?lines=1e999", "/api/processes?all_projects=maybe", "/api/processes?a=1&a=2&%ff=%zz", "/a b"),
    *("/api/events?after=x", "/api/output/stream?processes=nobody", "http://evil.com/rpc", "/\x80", "/" + "%" * 50),
)
_VERSIONS = ("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "", "HTP/1.1")
_TYPES = (
    "application/json",
    "application/json",
    "application/json; charset=utf-8",
    "text/plain",
    "application/jsonx",
    "",
)
_HEADERS = (
    *("Accept: application/json, text/event-stream", "Accept: */*", "Accept: text/html", "Accept:"),
    *("MCP-Protocol-Version: 2026-07-28", "MCP-Protocol-Version: 2025-11-25", "MCP-Protocol-Version: 1"),
    *(
        "Mcp-Method: tools/call",
        "Mcp-Session-Id: x",
        "Authorization: Bearer x",
        "Authorization: Basic",
        "Expect: 100-continue",
    ),
    *("Upgrade: websocket", "Connection: Upgrade", "Upgrade: h2c", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"),
    *("Content-Encoding: gzip", "Transfer-Encoding: chunked", "Content-Length: -1", "Content-Length: 99999999999"),
    *("Range: bytes=0-", "If-Match: *", "Cookie: a=b", "X: " + "y" * 2000, ": x", "X : y", "X\x00: y", "X: \x80\xff"),
    *("Last-Event-ID: 9", "Last-Event-ID: x", "Forwarded: for=x", "X-Forwarded-For: 1", "Keep-Alive: 300"),
)
_BODIES = (
    *(
        b"",
        b"{}",
        b"[]",
        b"null",
        b"{",
        b"\xff",
        b"[" * 5000,
        b"[" * 40 + b"]" * 40,
        b'{"a":1e999}',
        b"NaN",
        b"9" * 6000,
    ),
    *(b'{"jsonrpc":"2.0","id":1,"method":"list_processes"}', b'{"jsonrpc":"2.0","method":"list_processes"}'),
    *(b'{"jsonrpc":"2.0","id":[],"method":[]}', b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'),
    b'[{"jsonrpc":"2.0","id":1,"method":"get_daemon_status"},1]',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_processes","arguments":{"x":1}}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_process_output","arguments":[]}}',
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},'
    b'"clientInfo":{"name":"f","version":"1"}}}',
    b'{"process":"\\ud800","lines":-1}',
)
_GOOD = (
    *(("GET", path, b"") for path in ("/", "/health", "/docs", "/openapi.json", "/api/processes", "/api/daemon")),
    *(("GET", path, b"") for path in ("/api/marks", "/api/processes/nobody", "/api/processes/nobody/output?lines=5")),
    *(("POST", path, b"{}") for path in ("/api/news", "/api/processes/nobody/stop", "/api/prune")),
    *(("POST", "/rpc", body) for body in _BODIES if b"jsonrpc" in body),
    *(("POST", "/mcp/", body) for body in _BODIES if b'"jsonrpc":"2.0","id":1' in body),
    ("DELETE", "/api/processes/nobody", b""),
)
_HOSTS = ((), ("Host: evil.com",), ("Host: localhost:1", "Host: x"), ("Host:",), ("Host: [::1]",))
_LAST = "Connection: close"


class HttpGrammar:
    """Makes what one connection sends; ``directory``: where a start that gets through would leave a file."""

    def __init__(self, port: int, directory: str) -> None:
        self._host = f"127.0.0.1:{port}"
        start = {"command": f"touch {directory}/it-ran", "working_directory": directory}
        rpc = {"jsonrpc": "2.0", "id": 1, "method": "start_process", "params": start}
        tool = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "start_process", "arguments": start},
        }
        self._starts = {
            path: json.dumps(body).encode()
            for path, body in (("/rpc", rpc), ("/mcp/", tool), ("/api/processes", start))
        }
        self._mutator = Mutator([b""])

    def connection(self, chance: random.Random) -> bytes:
        """One to eight requests in a row; the last asks for the end."""
        count = chance.choice((1, 1, 1, 2, 3, 8))
        requests = [self._request(chance, last=number == count - 1) for number in range(count)]
        data = b"".join(requests)
        if chance.randrange(4) == 0:
            data = self._mutator.mutate(data, chance)
        return data[: chance.randrange(len(data) + 1)] if chance.randrange(20) == 0 else data

    def _request(self, chance: random.Random, *, last: bool) -> bytes:
        kind = chance.randrange(20)
        if kind < 2:
            return self._hostile(chance)
        if kind == 2:
            return chance.choice(
                (b"\x16\x03\x01" + bytes(50), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n\r\n", b"\n" * 100)
            )
        wrong = {chance.randrange(7) for _ in range(chance.choice((0, 0, 1, 1, 2, 4)))}
        method, path, body = chance.choice(_GOOD)
        method = chance.choice(_METHODS) if 0 in wrong else method
        path = chance.choice(_PATHS) if 1 in wrong else path
        head = [f"{method} {path} {chance.choice(_VERSIONS) if 2 in wrong else 'HTTP/1.1'}"]
        head += chance.choice(_HOSTS) if 3 in wrong else [f"Host: {self._host}"]
        body = chance.choice(_BODIES) if 4 in wrong else body
        if body or 4 in wrong:
            head.append(f"Content-Type: {chance.choice(_TYPES) if 5 in wrong else _TYPES[0]}")
        head += [chance.choice(_HEADERS) for _ in range(3)] if 6 in wrong else [_HEADERS[0]]
        if chance.randrange(200) == 0:
            head += [f"X-{number}: y" for number in range(10_000)]
        head += [_LAST] if last else []
        return _framed(head, body, chance)

    def _hostile(self, chance: random.Random) -> bytes:
        path, body = chance.choice([*self._starts.items()])
        host = chance.choice(("evil.com", "localhost:1", "0.0.0.0", f"evil.com@{self._host}", f"{self._host}.evil.com"))
        fields = ["Content-Type: application/json", "Accept: application/json, text/event-stream"]
        fields += chance.choice(([], ["Origin: http://evil.com"], ["Origin: null"], ["Sec-Fetch-Site: cross-site"]))
        return _framed([f"POST {path} HTTP/1.1", f"Host: {host}", *fields], body, chance)


def _framed(head: list[str], body: bytes, chance: random.Random) -> bytes:
    kind = chance.randrange(24)
    if kind == 0:
        size = chance.choice(
            (
                b"%x" % len(body),
                b"%x" % (len(body) + 5),
                b"%x" % max(len(body) - 1, 0),
                b"zz",
                b"-1",
                b"f" * 20,
                b"1;a=b",
            )
        )
        head, body = [*head, "Transfer-Encoding: chunked"], size + b"\r\n" + body + b"\r\n0\r\n\r\n"
    elif kind == 1:
        head = [*head, f"Content-Length: {chance.choice((len(body) + 1, max(len(body) - 1, 0), '+5', '5, 6', '0x5'))}"]
    elif kind != 2 or not body:
        head = [*head, f"Content-Length: {len(body)}"]
    end = chance.choice(("\n", "\r")) if chance.randrange(40) == 0 else "\r\n"
    return (end.join(head) + end + end).encode("latin-1") + body
