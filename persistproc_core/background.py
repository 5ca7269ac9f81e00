"""Programs that go to the background, and those who wait for the first line that they say."""

from __future__ import annotations

import os
import select
import time

__all__ = ["first_line", "forget_terminal"]


def forget_terminal() -> None:
    """Put /dev/null in place of the three standard streams."""
    # With the starter's terminal or pipe as our output, closing it would cost us a SIGHUP or a SIGPIPE, and whoever
    # waits for the end of that pipe would wait as long as we live.
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)


def first_line(fd: int, deadline: float, longest: int) -> bytes | None:
    """What comes up to a newline, the end or that many bytes; None when the deadline (monotonic) passes."""
    poll = select.poll()  # select() refuses descriptors from 1024 on, which a large program may well have
    poll.register(fd, select.POLLIN)
    line = b""
    while not line.endswith(b"\n") and len(line) < longest:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            return None
        piece = os.read(fd, 65536)
        if not piece:
            break
        line += piece
    return line
