"""What a person waits for: ``persistproc list``, and a request on the socket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.benchmarks.figures import Figure, Scale, alternately, stopwatch
from tests.benchmarks.hub import Hub, run_timed
from tests.kit import RawConnection, read_until

__all__ = ["list_command", "logs_command", "ping"]

_ECHO = str(Path(__file__).with_name("echo_server.py"))
_HIGHEST = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True); "
_HIGHEST += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"


def list_command(hub: Hub, scale: Scale) -> list[Figure]:
    """``persistproc list`` as a whole process against ``python3 -c pass``"""
    command = [*_persistproc(), "list"]
    bare = [sys.executable, "-c", "pass"]
    figures = []
    for count in (0, scale.processes):
        with hub.sleepers(count):
            timed = alternately(
                scale.pairs,
                lambda: run_timed(
                    command,
                    cwd=hub.directory,
                    env=hub.environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                ),
                lambda: run_timed(bare, cwd=hub.directory, env=hub.environment),
            )
            figures += [
                Figure(f"list, {count} processes", timed.ratio, "x", 2.5, timed.said()),
                Figure(f"list, {count} processes, whole", timed.ours * 1000, "ms", 50),
                Figure(f"list, {count} processes, peak memory", _peak(hub, command), "MiB", 30),
            ]
    return figures


def logs_command(hub: Hub, scale: Scale) -> list[Figure]:
    """``persistproc logs`` of 100 lines, of one process and of two, as a whole process against ``persistproc list``"""
    names = ["first", "second"]
    for name in names:
        hub.client.start_process(command=["seq", "-f", f"{name} line %g of the log", "300"], name=name)
        hub.client.wait_for_process(process=name, exit=True)
    try:
        figures = []
        for what, words in (("logs, one process", names[:1]), ("logs, two processes", names)):
            ours = partial(_timed, hub, "logs", *words)
            timed = alternately(scale.pairs, ours, partial(_timed, hub, "list"))
            figures.append(Figure(what, timed.ratio, "x", 1.5, timed.said()))
        return figures
    finally:
        for name in names:
            hub.client.remove_process(process=name)


def _timed(hub: Hub, *words: str) -> float:
    return run_timed(
        [*_persistproc(), *words],
        cwd=hub.directory,
        env=hub.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _persistproc() -> list[str]:
    script = Path(sys.executable).with_name("persistproc")
    return [str(script)] if script.exists() else [sys.executable, "-m", "persistproc_cli"]


def _peak(hub: Hub, command: list[str]) -> float:
    # Through a small process: a child's peak is never told as less than that of whoever forked it (getrusage(2)).
    told = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _HIGHEST, *command],
        cwd=hub.directory,
        env=hub.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return int(told.stdout) * (1 if sys.platform == "darwin" else 1024) / 2**20


def ping(hub: Hub, scale: Scale) -> list[Figure]:
    """the cheapest request, ``list_processes`` of an empty hub, against a bare anyio server (trio) that echoes lines"""
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "list_processes", "params": {}}).encode() + b"\n"
    path = os.path.join(hub.directory, "echo")
    with _echo_server(path), hub.daemon.connect() as ours, RawConnection(path) as base:
        assert ours.call("list_processes") == {"processes": []}
        timed = alternately(scale.pairs, _block(ours, request, scale.requests), _block(base, request, scale.requests))
    return [
        Figure("ping", timed.ratio, "x", 4.0, f"{timed.said()} of {scale.requests} requests"),
        Figure("ping, one request", timed.ours / scale.requests * 1e6, "µs"),
    ]


def _block(connection: RawConnection, request: bytes, count: int) -> Callable[[], float]:
    def block() -> float:
        with stopwatch() as watch:
            for _ in range(count):
                connection.send_bytes(request)
                connection.read_bytes()
        return watch.seconds

    return block


@contextmanager
def _echo_server(path: str) -> Iterator[None]:
    command = [sys.executable, _ECHO, path]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0) as server:
        assert server.stdout is not None
        try:
            assert read_until(server.stdout.fileno(), b"\n", 20.0) == b"ready\n"
            yield
        finally:
            server.kill()
