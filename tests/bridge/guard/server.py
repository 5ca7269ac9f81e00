"""The guard and its protocol in front of a small application, in a thread of the test: deadlines can be made short."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import Receive, Scope, Send

from persistproc_core.paths import Home
from persistproc_mcp.guard.gate import Gate
from persistproc_mcp.serving.http import CONFIGURATION, HttpProtocol
from persistproc_mcp.settings import Settings
from tests.kit import eventually

__all__ = ["Served", "read_all", "read_one", "serve"]

_SECONDS = 10.0


class Served:
    """What is served, and what of it was asked for."""

    def __init__(self, port: int, unix: str) -> None:
        self.port = port
        self.unix = unix
        self.paths: list[str] = []
        self.ended: list[str] = []

    def connect(self) -> socket.socket:
        """Over TCP."""
        return socket.create_connection(("127.0.0.1", self.port), _SECONDS)

    def connect_unix(self) -> socket.socket:
        """Over the Unix socket."""
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(_SECONDS)
        client.connect(self.unix)
        return client

    def head(self, path: str = "/", *headers: str, method: str = "GET") -> bytes:
        """Request line and headers."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{self.port}", *headers, "", ""]
        return "\r\n".join(lines).encode()

    def ask(self, path: str = "/", *headers: str, body: bytes = b"", method: str = "GET") -> bytes:
        """All of the answer to one request."""
        with self.connect() as connection:
            connection.sendall(self.head(path, *headers, "Connection: close", method=method) + body)
            return read_all(connection)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application.

        ``/wait`` and WebSockets stay open, ``/flood`` sends 64 MB, ``/page`` 60 KB, ``/fail`` raises.
        """
        if scope["type"] == "lifespan":
            return
        self.paths.append(scope["path"])
        try:
            await self._answer(scope, receive, send)
        finally:
            self.ended.append(scope["path"])

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            for _ in range(1000 if scope["path"] == "/flood" else 0):
                await send({"type": "websocket.send", "bytes": bytes(65536)})
            await receive()
            return
        if scope["path"] == "/fail":
            raise ValueError("a secret that nobody may read")
        headers = [(b"content-type", b"text/html"), (b"access-control-allow-origin", b"*")]
        body = b"body: " + message["body"]
        if scope["path"] == "/page":
            body = body.rjust(60_000)
        if scope["path"] in {"/", "/fail-late"}:
            headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["path"] == "/fail-late":
            raise ValueError("a secret that nobody may read")
        if scope["path"] == "/wait":
            await send({"type": "http.response.body", "body": b"waiting", "more_body": True})
            assert (await receive())["type"] == "http.disconnect"
            return
        for _ in range(1000 if scope["path"] == "/flood" else 0):
            await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
        await send({"type": "http.response.body", "body": body})


@contextlib.contextmanager
def serve(folder: Path, token: str | None = None, send_buffer: int = 0) -> Iterator[Served]:
    """Serve on a free port and a socket in the folder; ``send_buffer``: how many bytes the kernel keeps, about."""
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        if send_buffer:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)  # accepted sockets have it as well
        unix.bind(str(folder / "s"))
        unix.listen()
        served = Served(tcp.getsockname()[1], str(folder / "s"))
        gate = Gate(served, Settings(Home(str(folder)), port=served.port, token=token))
        config = uvicorn.Config(gate, http=HttpProtocol, lifespan="off", timeout_graceful_shutdown=1, **CONFIGURATION)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [tcp, unix]})
        thread.start()
        try:
            eventually(lambda: server.started)
            yield served
        finally:
            server.should_exit = True
            thread.join(_SECONDS)
            assert not thread.is_alive()


def read_all(connection: socket.socket) -> bytes:
    """What comes until the end."""
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            answer += part
    return answer


def read_one(connection: socket.socket) -> bytes:
    """One answer of a connection that stays open."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = connection.recv(65536)
        assert part, answer
        answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
