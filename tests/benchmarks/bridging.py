"""The bridge: what a tool call costs beyond the same call on the socket, its start, its memory, and the relay's."""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psutil

import persistproc_mcp.relay
from tests.benchmarks import facts
from tests.benchmarks.figures import Figure, Scale, stopwatch
from tests.benchmarks.hub import Hub
from tests.kit import Guard, read_line
from tests.kit.bridge import Bridge
from tests.kit.raw_http import LEGACY, MODERN, connect, response, tool_call

__all__ = ["bridging"]

_RELAY = str(Path(persistproc_mcp.relay.__file__).with_name("__main__.py"))
_HELLO = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "benchmark", "version": "1"}}
_TALKS = "i=0; while [ $i -lt 300 ]; do echo line $i of it; i=$((i+1)); done; exec sleep 100000"
_TOOLS: dict[str, dict[str, object]] = {
    "list_processes": {},
    "get_process_status": {"process": "web"},
    "get_process_output": {"process": "web"},
}
"""Those that look something up, with their arguments; each is a method of the same name on the socket."""


def bridging(hub: Hub, scale: Scale) -> list[Figure]:
    """tool calls over keep-alive HTTP, of both eras, against the same calls on the socket; start and memory"""
    with _bridge(hub) as (bridge, seconds), hub.sleepers(scale.processes // 3 + 1):
        hub.client.start_process(command=["/bin/sh", "-c", _TALKS], name="web")
        hub.client.wait_for_process(process="web", output="line 299")
        figures = [
            *(figure for tool in _TOOLS for figure in _calls(hub, bridge, tool, scale.requests)),
            Figure("bridge, start to first answer", seconds, "s", 3.0),
            *_memory(bridge),
            *_relay(hub, max(scale.pairs // 3, 1)),
        ]
        hub.remove(["web"])
        return figures


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


def _calls(hub: Hub, bridge: Bridge, tool: str, times: int) -> list[Figure]:
    arguments = {**_TOOLS[tool], "working_directory": hub.directory}
    with ExitStack() as stack:
        calls = [
            stack.enter_context(_on_the_socket(hub, tool, arguments)),
            *(stack.enter_context(_over_http(bridge, tool, arguments, version)) for version in (MODERN, LEGACY)),
        ]
        for call in calls:
            _timed(call)
        rounds = [[_timed(call) for call in calls] for _ in range(times)]
        busy = [_processor_time(bridge, call, times) for call in calls[1:]]
    base, *overs = (statistics.median(each) * 1000 for each in zip(*rounds, strict=True))
    return [
        Figure(
            f"{tool} over HTTP, {version}, p50, beyond the socket",
            over - base,
            "ms",
            3.0,
            f"{over:.2f} ms against {base:.2f} ms, of {times}; processor time of the bridge {spent:.1f} ms",
        )
        for version, over, spent in zip((MODERN, LEGACY), overs, busy, strict=True)
    ]


def _timed(call: Callable[[], object]) -> float:
    with stopwatch() as watch:
        call()
    return watch.seconds


def _processor_time(bridge: Bridge, call: Callable[[], object], times: int) -> float:
    before = facts.cpu_seconds(bridge.pid)
    for _ in range(times):
        call()
    return (facts.cpu_seconds(bridge.pid) - before) / times * 1000


@contextmanager
def _on_the_socket(hub: Hub, method: str, arguments: dict[str, object]) -> Iterator[Callable[[], object]]:
    with hub.daemon.connect() as connection:
        yield lambda: connection.call(method, client={"name": "benchmark"}, **arguments)


@contextmanager
def _over_http(bridge: Bridge, tool: str, arguments: dict[str, object], version: str) -> Iterator[Callable[[], object]]:
    request = tool_call(bridge.port, tool, arguments, version)
    with closing(connect(bridge.port)) as connection:

        def call() -> None:
            connection.sendall(request)
            answer = response(connection)
            assert b" 200 OK" in answer[:20], answer
            assert b'"isError":true' not in answer, answer

        yield call


def _memory(bridge: Bridge) -> list[Figure]:
    serving, watcher = facts.memory(bridge.pid), facts.memory(psutil.Process(bridge.pid).ppid())
    return [
        Figure("bridge, memory", serving.resident / 2**20, "MiB", 110, _shared(serving)),
        Figure("bridge, memory of its watcher", watcher.resident / 2**20, "MiB", None, _shared(watcher)),
    ]


def _shared(memory: facts.Memory) -> str:
    return "" if memory.proportional is None else f"PSS {memory.proportional / 2**20:.1f} MiB"


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
