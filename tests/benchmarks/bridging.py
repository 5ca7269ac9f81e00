"""The bridge: what a tool call costs beyond the same call on the socket, its start, its memory, and the relay's."""

from __future__ import annotations

import json
import signal
import socket
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import persistproc_mcp.relay
from tests.benchmarks import facts
from tests.benchmarks.figures import Figure, Scale, stopwatch
from tests.benchmarks.hub import Hub
from tests.kit import Guard, read_line
from tests.kit.bridge import Bridge

__all__ = ["bridging"]

_RELAY = str(Path(persistproc_mcp.relay.__file__).with_name("__main__.py"))
_CALL = {"name": "list_processes", "arguments": {"running": True}}
_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
}
_HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "benchmark", "version": "1"}}


def bridging(hub: Hub, scale: Scale) -> list[Figure]:
    """a tool call over keep-alive HTTP, of both eras, against the same call on the socket; start and memory"""
    with _bridge(hub) as (bridge, seconds), hub.sleepers(scale.processes // 3 + 1):
        return [
            *_calls(hub, bridge, scale),
            Figure("bridge, start to first answer", seconds, "s", 3.0),
            Figure("bridge, memory", facts.memory(bridge.pid).resident / 2**20, "MiB", 110),
            *_relay(hub, max(scale.pairs // 3, 1)),
        ]


@contextmanager
def _bridge(hub: Hub) -> Iterator[tuple[Bridge, float]]:
    # It is not asked to tear anything down: daemon and home are the hub's.
    bridge = Bridge(Guard(), hub.daemon.home)
    with stopwatch() as watch:
        bridge.start()
    try:
        yield bridge, watch.seconds
    finally:
        bridge.kill(signal.SIGTERM)


def _calls(hub: Hub, bridge: Bridge, scale: Scale) -> list[Figure]:
    socket_, modern, legacy = _on_the_socket(hub), _over_http(bridge, modern=True), _over_http(bridge, modern=False)
    with socket_ as direct, modern as newest, legacy as older:
        for call in (direct, newest, older):
            _timed(call)
        rounds = [(_timed(direct), _timed(newest), _timed(older)) for _ in range(scale.requests)]
    base, *overs = (statistics.median(times) * 1000 for times in zip(*rounds, strict=True))
    return [
        Figure(f"tool call over HTTP, {era}, p50, beyond the socket's {base:.2f} ms", over - base, "ms", 3.0)
        for era, over in zip(("2026-07-28", "2025-11-25"), overs, strict=True)
    ]


def _timed(call: Callable[[], object]) -> float:
    with stopwatch() as watch:
        call()
    return watch.seconds


@contextmanager
def _on_the_socket(hub: Hub) -> Iterator[Callable[[], object]]:
    # Both calls that the tool makes: the list, and the news.
    with hub.daemon.connect() as connection:

        def call() -> None:
            client = {"name": "benchmark"}
            connection.call("list_processes", running=True, working_directory=hub.directory, client=client)
            connection.call("get_news", working_directory=hub.directory, client=client)

        yield call


@contextmanager
def _over_http(bridge: Bridge, *, modern: bool) -> Iterator[Callable[[], object]]:
    version = "2026-07-28" if modern else "2025-11-25"
    params: dict[str, object] = {**_CALL, "_meta": _META} if modern else dict(_CALL)
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    names = "Mcp-Method: tools/call\r\nMcp-Name: list_processes\r\n" if modern else ""
    head = (
        f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{bridge.port}\r\nContent-Type: application/json\r\n"
        f"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: {version}\r\n{names}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    request = head.encode() + body
    with socket.create_connection(("127.0.0.1", bridge.port), 10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def call() -> None:
            connection.sendall(request)
            answer = _response(connection)
            assert b" 200 OK" in answer[:20], answer
            assert b'"isError":true' not in answer, answer

        yield call


def _response(connection: socket.socket) -> bytes:
    data = b""
    while True:
        piece = connection.recv(65536)
        assert piece, "the bridge closed the connection"
        data += piece
        head, found, body = data.partition(b"\r\n\r\n")
        if not found:
            continue
        length = next((line[15:] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), None)
        if body.endswith(b"0\r\n\r\n") if length is None else len(body) >= int(length):
            return data


def _relay(hub: Hub, times: int) -> list[Figure]:
    seconds, memory = zip(*(_connected(hub) for _ in range(times)), strict=True)
    return [
        Figure("relay, connected", statistics.median(seconds) * 1000, "ms", 150),
        Figure("relay, memory", max(memory) / 2**20, "MiB", 25),
    ]


def _connected(hub: Hub) -> tuple[float, int]:
    command = [sys.executable, "-I", "-S", _RELAY, "--home", hub.daemon.home.path]
    hello = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": _HELLO}).encode() + b"\n"
    with ExitStack() as stack, stopwatch() as watch:
        relay = stack.enter_context(
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                cwd=hub.directory,
                env=hub.environment,
            )
        )
        assert relay.stdin is not None
        assert relay.stdout is not None
        relay.stdin.write(hello)
        assert b'"result"' in read_line(relay.stdout, 20)
        resident = facts.memory(relay.pid).resident
        # It ends with its standard input, at the end of the block; the watch stops before.
        stack.callback(relay.stdin.close)
    return watch.seconds, resident
