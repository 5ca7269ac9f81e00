"""Waiting for a line of output."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from ....errors import InvalidParams
from ....pattern_size import TOO_LONG, TOO_LONG_HINT, is_too_long
from ...answers.output import Output
from ...logs.lines import LineAssembler
from ...logs.reader import RunLog
from ...logs.segments import Offsets
from ...model import Run
from .condition import Looked, Met

if TYPE_CHECKING:
    import regex

__all__ = ["Line", "compiled", "matching"]

_CHUNK = 64 * 1024
_MATCH_SECONDS = 1.0


class Line:
    """A line of the run's output is what somebody looks for, also one that was printed before."""

    def __init__(
        self,
        run: Run,
        output: Output,
        find: Callable[[list[str]], str | None],
        start: Callable[[RunLog], Offsets],
    ) -> None:
        """``find(lines)`` gives the first that it is; ``start(log)`` tells from where on. Both may block."""
        self._run = run
        self._output = output
        self._find = find
        self._start = start
        self.finished = anyio.Event()
        """Set when all that an ended run printed was looked at."""

    async def met(self, looked: Looked) -> Met | None:
        run = self._run
        log = RunLog(run.directory)
        place = await anyio.to_thread.run_sync(self._start, log)
        lines = LineAssembler()
        while True:
            live = run.live
            chunk = await anyio.to_thread.run_sync(lambda start=place: log.read(start, max_bytes=_CHUNK))  # type: ignore[misc]
            place = chunk.end
            # A prompt has no newline and is what somebody waits for all the same.
            found = [*lines.feed(chunk.pieces), *([] if chunk.more else lines.partial())]
            line = await anyio.to_thread.run_sync(self._find, found) if found else None
            if line is not None:
                return Met("output", line)
            if chunk.more:
                continue
            if not live:
                self.finished.set()
                return None
            looked()
            await self._output.wait_beyond(run, place, "combined")

    async def obstacle(self) -> str:
        return ""


def compiled(text: str) -> regex.Pattern[str]:
    """The pattern. Raises `InvalidParams`."""
    # regex, not re: its matches can be given a time; one unlucky pattern in re would stop the whole daemon for hours.
    import regex

    if is_too_long(text):
        raise InvalidParams(f"output {TOO_LONG}", hint=TOO_LONG_HINT)
    try:
        return regex.compile(text)
    except regex.error as error:
        raise InvalidParams(f"output is not a regular expression: {error}") from None
    except RecursionError:
        raise InvalidParams("output nests too deeply for a regular expression") from None


def matching(pattern: regex.Pattern[str]) -> Callable[[list[str]], str | None]:
    """Finds the first line that matches; raises `InvalidParams` when that takes too long."""
    return partial(_first_match, pattern)


def _first_match(pattern: regex.Pattern[str], lines: list[str]) -> str | None:
    deadline = time.monotonic() + _MATCH_SECONDS
    try:
        for line in lines:
            if pattern.search(line, timeout=max(deadline - time.monotonic(), 0.001), concurrent=True):
                return line
    except TimeoutError:
        raise InvalidParams("the regular expression takes too long on this output", hint="use a simpler one") from None
    return None
