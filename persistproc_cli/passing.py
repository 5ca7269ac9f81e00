"""What ``persistproc capture`` does with its input: each piece goes into the hub and through to standard output.

It stands between a program and its terminal, so it must never be what stops the program: what the hub does not take
within some time is passed through all the same.
"""

from __future__ import annotations

import os
import select
import time

from .output import note
from .terminal import write_all

__all__ = ["HubPipe", "Passage", "pass_on"]

_PIECE = 64 * 1024
_PATIENCE = 2.0


class HubPipe:
    """The FIFO of the captured run.

    It is open for reading as well (fifo(7)): with that a write never meets a FIFO without a reader, so neither daemon
    nor keeper can end the program by ending themselves. It is never read from here.
    """

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._stuck = False
        self._told = False

    def write(self, data: bytes) -> None:
        """Hand on a piece; what is not taken for `_PATIENCE` seconds is dropped, which is told once."""
        deadline = time.monotonic() + (0.0 if self._stuck else _PATIENCE)
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:
                if not self._wait(deadline - time.monotonic()):
                    break
        self._stuck = bool(view)
        if view and not self._told:
            self._told = True
            note("the hub takes no more output; it is passed through, and missing in the log until the hub is back")

    def _wait(self, seconds: float) -> bool:
        return seconds > 0 and bool(select.select([], [self._descriptor], [], seconds)[1])


class Passage:
    """Our standard output, as long as it can be written to."""

    def __init__(self) -> None:
        self._open = True

    def write(self, data: bytes) -> None:
        """Pass a piece through.

        A reader that has gone (``| head``) has seen what it wanted, and no reason to end: the log is still to be
        complete. Any other failure (a terminal that was closed, a full disk) is told.
        """
        if not self._open:
            return
        try:
            write_all(1, data)
        except OSError as error:
            self._open = False
            if not isinstance(error, BrokenPipeError):
                note(f"cannot write to standard output: {error.strerror}; the output still goes into the hub")


def pass_on(hub: HubPipe | None, passage: Passage) -> None:
    """Read standard input to its end, and hand on each piece as it comes.

    The hub comes first: what is behind us may be a pager that reads no further for an hour.
    """
    while True:
        try:
            data = os.read(0, _PIECE)
        except BlockingIOError:
            # Another program has made the pipe, which it shares with us, non-blocking.
            select.select([0], [], [])
            continue
        if not data:
            return
        if hub is not None:
            hub.write(data)
        passage.write(data)
