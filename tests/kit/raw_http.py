"""MCP as bytes on a connection: for what a library would hide, or would take longer for than the server."""

from __future__ import annotations

import json
import socket

__all__ = ["LEGACY", "MODERN", "connect", "get", "post", "response", "tool_call"]

MODERN = "2026-07-28"
LEGACY = "2025-11-25"


def connect(port: int, within: float = 20.0) -> socket.socket:
    """A connection to 127.0.0.1 that sends at once."""
    connection = socket.create_connection(("127.0.0.1", port), within)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def tool_call(port: int, tool: str, arguments: dict[str, object], version: str) -> bytes:
    """The request that calls a tool, complete in itself."""
    return post(port, "tools/call", {"name": tool, "arguments": arguments}, version)


def post(port: int, method: str, params: dict[str, object], version: str) -> bytes:
    """A request of MCP."""
    names = ""
    if version == MODERN:
        names = f"Mcp-Method: {method}\r\n" + (f"Mcp-Name: {params['name']}\r\n" if "name" in params else "")
        params = {
            **params,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": version,
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
            },
        }
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode("ascii")
    head = (
        f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nUser-Agent: raw/1\r\n"
        f"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: {version}\r\n{names}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


def get(port: int, path: str) -> bytes:
    """A request without a body."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: raw/1\r\n\r\n".encode("ascii")


def response(connection: socket.socket) -> bytes:
    """One whole response, head and body as they came. Raises `EOFError` when the connection ends before."""
    data = b""
    while True:
        piece = connection.recv(65536)
        if not piece:
            raise EOFError(f"the connection ended after {data[:500]!r}")
        data += piece
        head, found, body = data.partition(b"\r\n\r\n")
        if not found:
            continue
        length = next((line[15:] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), None)
        if body.endswith(b"0\r\n\r\n") if length is None else len(body) >= int(length):
            return data
