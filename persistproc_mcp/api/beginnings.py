"""Lines of output put together again before a reader of words gets them.

A program may write half a line, and the other half a millisecond later. A beginning waits until it is whole, or until
nothing has come of it for a moment: a prompt.
"""

from __future__ import annotations

from typing import Final

import anyio

from persistproc_core.protocol import OutputLine, ProcessOutput, Stream

__all__ = ["QUIET_SECONDS", "Beginnings", "Begun"]

QUIET_SECONDS: Final = 0.5
_MOST: Final = 4096
"""Characters that wait at most. They are in the id of each event, which comes back in a header (`guard.limits`)."""


Begun = dict[str, dict[Stream, str]]
"""Texts by full name of the process and stream."""


class Beginnings:
    """The lines that have begun, by process and stream."""

    def __init__(self, begun: Begun) -> None:
        """``begun`` is what has begun already; it is kept up to date."""
        self._begun = begun
        now = anyio.current_time()
        self._due = {(key, stream): now + QUIET_SECONDS for key, texts in begun.items() for stream in texts}

    @property
    def deadline(self) -> float:
        """When the first of them has waited long enough, by the clock of the event loop; infinite without any."""
        return min(self._due.values(), default=float("inf"))

    def take(self, key: str, output: ProcessOutput) -> ProcessOutput:
        """The output with whole lines only; what has begun is kept back."""
        return {**output, "lines": [whole for line in output["lines"] for whole in self._joined(key, line)]}

    def _joined(self, key: str, line: OutputLine) -> list[OutputLine]:
        begun = self._pop(key, line["stream"])
        if "text" not in line:
            return [line] if begun is None else [_line(line["stream"], begun), line]
        if begun is not None and not line.get("overwrites"):
            line = {**line, "text": begun + line["text"]}
        if not line.get("partial") or len(line["text"]) > _MOST:
            return [line]
        self._begun.setdefault(key, {})[line["stream"]] = line["text"]
        self._due[key, line["stream"]] = anyio.current_time() + QUIET_SECONDS
        return []

    def due(self) -> tuple[str, list[OutputLine]] | None:
        """A beginning that has waited long enough, with its process; None when there is none."""
        now = anyio.current_time()
        for (key, stream), deadline in self._due.items():
            if deadline <= now:
                return key, [_line(stream, self._pop(key, stream) or "")]
        return None

    def close(self, key: str) -> list[OutputLine]:
        """What has begun of a process: nothing follows it."""
        return [_line(stream, self._pop(key, stream) or "") for stream in list(self._begun.get(key, ()))]

    def _pop(self, key: str, stream: Stream) -> str | None:
        texts = self._begun.get(key, {})
        text = texts.pop(stream, None)
        if not texts:
            self._begun.pop(key, None)
        self._due.pop((key, stream), None)
        return text


def _line(stream: Stream, text: str) -> OutputLine:
    return {"stream": stream, "text": text, "partial": True}
