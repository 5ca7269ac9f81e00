"""Hostile requests: each would start a process, if anything took it. Raw bytes: few client libraries send these."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import NamedTuple

from persistproc_core.framing import MAX_DEPTH
from persistproc_mcp.guard import limits

__all__ = ["REQUESTS", "Hostile", "Target", "harmless", "head"]


class Target(NamedTuple):
    """What is attacked, and how it would show."""

    port: int
    command: str
    directory: str

    @property
    def host(self) -> str:
        """The right Host."""
        return f"127.0.0.1:{self.port}"

    def start(self, **more: object) -> dict[str, object]:
        """Parameters that start the process."""
        return {"command": self.command, "working_directory": self.directory, **more}

    def rpc(self, **more: object) -> bytes:
        """The body for ``/rpc``."""
        call = {"jsonrpc": "2.0", "id": 1, "method": "start_process", "params": self.start(**more)}
        return json.dumps(call).encode()

    def tool(self) -> bytes:
        """The body for ``/mcp/``."""
        params = {"name": "start_process", "arguments": self.start()}
        return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()


class Hostile(NamedTuple):
    """One request: what is sent, and what it must be answered with; 0: nothing at all."""

    name: str
    send: Callable[[Target], bytes]
    status: int


def head(line: str, *headers: str) -> bytes:
    """Request line and headers."""
    return "\r\n".join([line, *headers, "", ""]).encode("latin-1")


def harmless(target: Target, path: str = "/rpc") -> bytes:
    """The same without the hostility: it must work, else the others prove nothing."""
    body = {"/rpc": target.rpc(), "/mcp/": target.tool()}.get(path) or json.dumps(target.start()).encode()
    accept = "Accept: application/json, text/event-stream"
    return _post(target, body=body, path=path, headers=(accept, "Connection: close"))


def _post(
    target: Target,
    *,
    line: str = "",
    path: str = "/rpc",
    host: str | None = None,
    kind: str | None = "application/json",
    body: bytes | None = None,
    headers: tuple[str, ...] = (),
    length: str | None = None,
) -> bytes:
    body = target.rpc() if body is None else body
    fields = [f"Host: {target.host if host is None else host}"]
    fields += [f"Content-Type: {kind}"] if kind is not None else []
    fields += [f"Content-Length: {len(body) if length is None else length}"] if length != "" else []
    return head(line or f"POST {path} HTTP/1.1", *fields, *headers) + body


def _with(name: str, status: int, *headers: str, path: str = "/rpc") -> Hostile:
    return Hostile(name, lambda target: _post(target, path=path, headers=_filled(target, headers)), status)


def _filled(target: Target, headers: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(header.replace("PORT", str(target.port)) for header in headers)


def _host(name: str, host: str, path: str = "/rpc") -> Hostile:
    return Hostile(name, lambda target: _post(target, path=path, host=host.replace("PORT", str(target.port))), 421)


def _line(name: str, line: str, status: int) -> Hostile:
    return Hostile(name, lambda target: _post(target, line=line.replace("PORT", str(target.port))), status)


def _kind(name: str, kind: str | None, path: str = "/rpc") -> Hostile:
    return Hostile(name, lambda target: _post(target, path=path, kind=kind), 415)


def _body(name: str, make: Callable[[Target], bytes], status: int, path: str = "/rpc") -> Hostile:
    return Hostile(name, lambda target: _post(target, path=path, body=make(target)), status)


def _framed(name: str, status: int, *headers: str, tail: Callable[[bytes], bytes] = lambda body: body) -> Hostile:
    """A body that is said to be framed in another way than by its length."""
    return Hostile(
        name,
        lambda target: _post(target, body=b"", length="", headers=headers) + tail(target.rpc()),
        status,
    )


def _websocket(name: str, status: int, *headers: str, path: str = "/api/events") -> Hostile:
    key = base64.b64encode(bytes(16)).decode()
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}")

    def send(target: Target) -> bytes:
        fields = _filled(target, headers)
        host = () if any(field.startswith("Host:") for field in fields) else (f"Host: {target.host}",)
        return head(f"GET {path} HTTP/1.1", *host, *upgrade, *fields)

    return Hostile(f"websocket {name}", send, status)


def _get(name: str, status: int, *headers: str, path: str = "/api/processes") -> Hostile:
    return Hostile(name, lambda target: head(f"GET {path} HTTP/1.1", f"Host: {target.host}", *headers), status)


def _preflight(path: str) -> Hostile:
    fields = (
        "Origin: http://evil.com",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: content-type",
        "Access-Control-Request-Private-Network: true",
    )
    return Hostile(
        f"preflight for {path}",
        lambda target: head(f"OPTIONS {path} HTTP/1.1", f"Host: {target.host}", *fields),
        405,
    )


def _chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


def _smuggled(target: Target) -> bytes:
    # The first one is refused; the second rides in its body.
    inner = harmless(target)
    return _post(target, kind="text/plain", body=inner)


def _pipelined(target: Target) -> bytes:
    return _post(target, host="evil.com") + harmless(target)


REQUESTS = [
    # DNS rebinding: the page's own name, or anything that a prefix match would take.
    _host("rebinding", "evil.com"),
    _host("rebinding with our port", "evil.com:PORT"),
    _host("rebinding of MCP", "evil.com:PORT", "/mcp/"),
    _host("rebinding of the resources", "evil.com:PORT", "/api/processes"),
    _host("a name that begins like ours", "localhost:PORT.evil.com"),
    _host("a port with a tail", "127.0.0.1:PORTjunk.evil.com"),
    _host("a name below ours", "localhost.evil.com:PORT"),
    _host("another port", "localhost:1"),
    _host("no port", "localhost"),
    _host("a trailing dot", "localhost.:PORT"),
    _host("user information", "evil.com@127.0.0.1:PORT"),
    _host("0.0.0.0", "0.0.0.0:PORT"),
    _host("another spelling of loopback", "127.1:PORT"),
    _host("a number", "2130706433:PORT"),
    _host("an empty host", ""),
    _with("two hosts", 400, "Host: evil.com"),
    _with("two hosts, both ours", 400, "Host: 127.0.0.1:PORT"),
    Hostile("no host", lambda target: head("POST /rpc HTTP/1.1", "Content-Type: application/json"), 400),
    # Pages of other origins.
    _with("a foreign origin", 403, "Origin: http://evil.com"),
    _with("a foreign origin at MCP", 403, "Origin: http://evil.com", path="/mcp/"),
    _with("a foreign origin at MCP without the slash", 403, "Origin: http://evil.com", path="/mcp"),
    _with("a foreign origin at the resources", 403, "Origin: http://evil.com", path="/api/processes"),
    _with("another local web app", 403, "Origin: http://localhost:3000"),
    _with("another local web app by number", 403, "Origin: http://127.0.0.1:5173"),
    _with("a sandboxed frame", 403, "Origin: null"),
    _with("https", 403, "Origin: https://localhost:PORT"),
    _with("an origin that begins like ours", 403, "Origin: http://localhost:PORT.evil.com"),
    _with("a browser extension", 403, "Origin: chrome-extension://abcdefgh"),
    _with("two origins", 403, "Origin: http://localhost:PORT", "Origin: http://evil.com"),
    _with("a foreign page without an origin", 403, "Sec-Fetch-Site: cross-site"),
    _with("a page of another port without an origin", 403, "Sec-Fetch-Site: same-site"),
    _get("an image of a foreign page", 403, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"),
    _get("an event source of a foreign page", 403, "Origin: http://localhost:3000", path="/api/events"),
    _preflight("/rpc"),
    _preflight("/mcp/"),
    _preflight("/api/processes"),
    # What a page may send without asking.
    _kind("plain text", "text/plain"),
    _kind("plain text at MCP", "text/plain", "/mcp/"),
    _kind("plain text at the resources", "text/plain", "/api/processes"),
    _kind("a form", "application/x-www-form-urlencoded"),
    _kind("a form with files", "multipart/form-data; boundary=x"),
    _kind("no type", None),
    _kind("a type that begins like JSON", "application/jsonx"),
    _kind("two types in one", "text/plain, application/json"),
    _kind("another charset", "application/json; charset=utf-7"),
    # Over WebSocket no browser asks first.
    _websocket("from a foreign origin", 403, "Origin: http://evil.com"),
    _websocket("from another local web app", 403, "Origin: http://localhost:3000"),
    _websocket("from a sandboxed frame", 403, "Origin: null"),
    _websocket("from a foreign page", 403, "Sec-Fetch-Site: cross-site"),
    _websocket("by rebinding", 421, "Host: evil.com:PORT", "Origin: http://evil.com:PORT"),
    _websocket("at a path that is none", 403, path="/rpc"),
    # Methods, targets, versions.
    _line("TRACE", "TRACE /rpc HTTP/1.1", 405),
    _line("CONNECT", "CONNECT 127.0.0.1:PORT HTTP/1.1", 405),
    _line("a method in lower case", "post /rpc HTTP/1.1", 405),
    _line("a body with GET", "GET /rpc HTTP/1.1", 400),
    _line("a method of another kind", "PROPFIND /api/processes HTTP/1.1", 405),
    _line("an absolute target", "POST http://evil.com/rpc HTTP/1.1", 400),
    _line("an absolute target with our name", "POST http://127.0.0.1:PORT/rpc HTTP/1.1", 400),
    _line("HTTP/1.0", "POST /rpc HTTP/1.0", 505),
    _line("HTTP/0.9", "POST /rpc", 400),
    _line("HTTP/2", "POST /rpc HTTP/2.0", 505),
    Hostile("the preface of HTTP/2", lambda target: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    Hostile("TLS", lambda target: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100) + b"\r\n\r\n", 400),
    _with("two paths", 404, "Connection: close", path="/health/../rpc"),
    _with("a hidden path", 404, "Connection: close", path="//rpc"),
    # Bodies.
    _body("a body that is too large", lambda target: target.rpc(reason="x" * limits.MAX_BODY_BYTES), 413),
    Hostile("a body that is said to be too large", lambda target: _post(target, length="99999999999"), 413),
    _body("lists in lists", lambda target: b"[" * (MAX_DEPTH + 1) + target.rpc(), 400),
    _body("objects in objects", lambda target: b'{"a":' * 100_000, 400),
    _body("deep at MCP", lambda target: b"[" * 100_000, 400, "/mcp/"),
    _body("UTF-16", lambda target: target.rpc().decode().encode("utf-16"), 400),
    _body("UTF-7", lambda target: target.rpc().replace(b"start", b"\xff\xfestart"), 400),
    _with("a compressed body", 415, "Content-Encoding: gzip"),
    # Where a body ends, told twice or wrongly.
    _framed("two framings", 400, "Transfer-Encoding: chunked", "Content-Length: 4", tail=_chunk),
    _framed("two lengths", 400, "Content-Length: 4", "Content-Length: 400"),
    _framed("a negative length", 400, "Content-Length: -1"),
    _framed("a length with a sign", 400, "Content-Length: +5"),
    _framed("an unknown encoding", 400, "Transfer-Encoding: gzip, chunked", tail=_chunk),
    _framed("a chunk that is no number", 400, "Transfer-Encoding: chunked", tail=lambda body: b"zz\r\n" + body),
    _framed(
        "a chunk that is longer",
        400,
        "Transfer-Encoding: chunked",
        tail=lambda body: b"5\r\n" + body + b"\r\n0\r\n\r\n",
    ),
    _framed("chunks without an end", 413, "Transfer-Encoding: chunked", tail=lambda body: _chunk(b" " * 65536) * 17),
    Hostile("a request within a refused one", _smuggled, 415),
    Hostile("a request after a refused one", _pipelined, 421),
    # Headers.
    _with("a header that goes on", 400, "X-One: a\r\n Host: evil.com", "X-Two: b\x00"),
    _with("a header without a name", 400, ": value"),
    _with("a space before the colon", 400, "Origin : http://evil.com"),
    _with("headers that are too long", 431, *[f"X-Filler-{n}: {'a' * 300}" for n in range(60)]),
    _with("too many headers", 431, *[f"X-{n}: y" for n in range(120)]),
    _with("a reverse proxy", 403, "X-Forwarded-For: 203.0.113.7"),
    _with("a tunnel", 403, "X-Forwarded-Host: abc.example.net"),
    _with("a proxy that forwards", 403, "Forwarded: for=203.0.113.7"),
]
"""All of them."""
