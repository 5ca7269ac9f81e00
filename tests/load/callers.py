"""Clients that make whole calls: both eras of MCP, over a connection that is kept and over new ones."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from tests.kit.raw_http import LEGACY, MODERN, connect, response, tool_call

__all__ = ["Callers"]

_KINDS = [(version, kept) for version in (MODERN, LEGACY) for kept in (True, False)]


class Callers:
    """Four threads, one for each kind of client."""

    def __init__(self, port: int, directory: str) -> None:
        self._port = port
        self._work = [itertools.cycle(_requests(port, directory, version)) for version, _ in _KINDS]

    def call(self, count: int) -> int:
        """Make about as many calls and see that each is answered rightly; returns how many it made."""
        each = max(1, count // len(_KINDS))
        with ThreadPoolExecutor(len(_KINDS)) as pool:
            jobs = [
                pool.submit(self._calls, requests, each, kept=kept)
                for requests, (_, kept) in zip(self._work, _KINDS, strict=True)
            ]
            return sum(job.result() for job in jobs)

    def _calls(self, requests: Iterator[tuple[bytes, bytes]], count: int, *, kept: bool) -> int:
        with closing(connect(self._port)) as connection:
            for request, expected in itertools.islice(requests, count):
                if kept:
                    _call(connection, request, expected)
                    continue
                with closing(connect(self._port)) as new:
                    _call(new, request, expected)
            return count


def _call(connection: socket.socket, request: bytes, expected: bytes) -> None:
    connection.sendall(request)
    answer = response(connection)
    assert b" 200 OK" in answer[:20], answer
    assert expected in answer, answer


def _requests(port: int, directory: str, version: str) -> list[tuple[bytes, bytes]]:
    # Each with a piece of the right answer: short and long ones, one that waits, and one that fails.
    web: dict[str, object] = {"process": "web", "working_directory": directory}
    wanted: list[tuple[str, dict[str, object], bytes]] = [
        ("list_processes", {"working_directory": directory}, b"running"),
        ("get_process_output", web, b"untrusted_output"),
        ("get_process_status", web, b"stdout log"),
        ("get_process_output", {**web, "grep": "line 7", "lines": 5}, b"matching"),
        ("wait_for_process", {**web, "output": "line 1", "timeout_seconds": 5}, b"line 1"),
        ("get_process_status", {**web, "process": "wbe"}, b'"isError":true'),
    ]
    return [(tool_call(port, tool, arguments, version), expected) for tool, arguments, expected in wanted]
