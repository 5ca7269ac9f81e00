"""Lines of output as a model reads them: a stamp where the second changes, repeats folded, long lines cut."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import NamedTuple

from persistproc_core.protocol import OutputLine

from .safe import printed
from .times import clock

__all__ = ["Shown", "line_texts", "looks_wrong", "shown"]

_LEAST_WIDTH = 400
_STAMP = len("13:58:24 ")
_SECOND = len("2026-03-01T13:58:24")
"""The daemon's times are all in UTC."""

# What tools write when something is wrong; "0 errors" and "no errors" say the opposite.
_WRONG = re.compile(
    r"(?i:\b(?:error|exception|traceback|fatal|panic|panicked|failed|failure|segfault|unhandled)s?\b)"
    r"|[a-z](?:Error|Exception)\b|\bERR!"
)
_WORDS = ("err", "exception", "traceback", "fatal", "panic", "fail", "segfault", "unhandled")
"""One of them is in everything that matches."""
_ALL_RIGHT = re.compile(r"(?i)\b(?:0|no|without)\s+(?:\w+\s+)?(?:error|exception|failure|failed)s?\b|\b0 failed\b")


class Shown(NamedTuple):
    """What became of the lines."""

    lines: list[str]
    stands_for: int
    """How many lines of output they stand for."""
    wrong: int
    """How many of these look like errors."""
    cut: int
    """How many are shown without their middle."""


class _Line(NamedTuple):
    line: OutputLine
    text: str
    times: int


def shown(lines: Sequence[OutputLine], most: int, *, marks_matches: bool = False) -> Shown:
    """The lines in at most about ``most`` characters where that can be done by cutting long ones.

    ``marks_matches`` tells lines that match from their context.
    """
    width = max(_LEAST_WIDTH, most // max(1, len(lines)) - _STAMP)
    folded = _folded(lines, width)
    streams = {line["stream"] for line in lines}
    stamps = _Stamps(lines)
    texts: list[str] = []
    run = None
    for line, text, times in folded:
        if line.get("run") != run:
            run = line.get("run")
            texts.append(f"--- run {run} ---")
        mark = ("  " if line.get("context") else "> ") if marks_matches else ""
        stream = "[stderr] " if line["stream"] == "stderr" and len(streams) > 1 else ""
        texts.append(f"{stamps.before(line)}{mark}{stream}{text}{f' (x{times})' if times > 1 else ''}")
    wrong = sum(each.times for each in folded if looks_wrong(each.text)) if _may_be_wrong(folded) else 0
    cut = sum("cut_bytes" in each.line or "characters cut]…" in each.text for each in folded)
    return Shown(texts, sum(each.times for each in folded), wrong, cut)


def line_texts(lines: Sequence[str], most: int = 1000) -> list[str]:
    """The last lines that an error brings."""
    return [_cut(printed(line), most) for line in lines]


def looks_wrong(text: str) -> bool:
    """True for a line that reads like an error."""
    return bool(_WRONG.search(text)) and not _ALL_RIGHT.search(text)


def _may_be_wrong(folded: Sequence[_Line]) -> bool:
    # The pattern takes longer than all else that is done for an answer, and few logs have anything for it.
    text = "\n".join(each.text for each in folded).lower()
    return any(word in text for word in _WORDS)


def _folded(lines: Sequence[OutputLine], width: int) -> list[_Line]:
    folded: list[_Line] = []
    for line in lines:
        text, times = _cut(printed(line.get("text", "")), width), line.get("repeated", 1)
        last = folded[-1] if folded else None
        if last is not None and text == last.text and _alike(line, last.line):
            folded[-1] = last._replace(times=last.times + times)
        else:
            folded.append(_Line(line, text, times))
    return folded


def _alike(one: OutputLine, other: OutputLine) -> bool:
    return (
        one["stream"] == other["stream"]
        and one.get("run") == other.get("run")
        and one.get("context") == other.get("context")
    )


def _cut(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    head, tail = width * 3 // 4, width // 4
    return f"{text[:head]}…[{len(text) - head - tail:,} characters cut]…{text[-tail:]}"


class _Stamps:
    """Tells the time where the second is another one than that of the line before."""

    def __init__(self, lines: Sequence[OutputLine]) -> None:
        self._used = any("time" in line for line in lines)
        self._date = time.strftime("%Y-%m-%d")
        self._clock = ""
        self._second = ""

    def before(self, line: OutputLine) -> str:
        if not self._used:
            return ""
        stamp = line.get("time")
        if stamp is None:
            return " " * _STAMP
        # Most lines are of the same second as the one before, and a calendar takes its time.
        if stamp[:_SECOND] == self._second:
            return " " * _STAMP
        self._second = stamp[:_SECOND]
        date, clocked = clock(stamp)
        if date != self._date:
            self._date, self._clock = date, clocked
            return f"{date} {clocked} "
        if clocked == self._clock:
            return " " * _STAMP
        self._clock = clocked
        return f"{clocked} "
