"""Bounded waits for lines, ports and conditions."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable
from typing import IO

__all__ = ["eventually", "free_port", "read_line", "read_until"]


def read_line(stream: IO[bytes], within: float = 5.0) -> bytes:
    """One line, without its ending, from an unbuffered pipe. Raises `EOFError` at its end, `TimeoutError` when late."""
    return read_until(stream.fileno(), b"\n", within)[:-1]


def read_until(fd: int, end: bytes, within: float = 5.0) -> bytes:
    """Everything up to and with ``end``, byte by byte, so that what follows stays in the pipe."""
    deadline = time.monotonic() + within
    data = b""
    while not data.endswith(end):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            raise TimeoutError(f"no {end!r} within {within} s, only {data!r}")
        byte = os.read(fd, 1)
        if not byte:
            raise EOFError(f"the stream ended after {data!r}, before {end!r}")
        data += byte
    return data


def eventually(condition: Callable[[], object], within: float = 5.0, what: str = "") -> None:
    """Return when the condition is true: for facts of the kernel that nothing announces (a port, a file of a child).

    Never use it where there is a line, a reply, a file descriptor or a pidfd to wait on.
    """
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not true within {within} s: {what or condition}")
        time.sleep(0.01)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
