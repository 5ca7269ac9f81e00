"""The part of an output that tells what went wrong. Tools write it in many ways; without any, its end."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["error_lines"]

_MOST_LINES = 12
_LAST_LINES = 10
_CLUSTER = 15
"""Lines of errors that are further apart are of two errors."""
_MOST_FRAMES = 3

_TRACEBACK = "Traceback (most recent call last):"
_WRONG = re.compile(
    r"(?i:\b(?:error|exception|fatal|panic|panicked|failed|failure|segfault|unhandled|cannot|not found|denied|refused|"
    r"already in use|no such file)\b)|[a-z](?:Error|Exception)\b|\bEADDRINUSE\b|\berror\["
)
_ALL_RIGHT = re.compile(r"(?i)\b(?:0|no|without)\s+(?:\w+\s+)?(?:errors?|exceptions?|failures?|failed)\b|\b0 failed\b")
# What package managers say about a script that failed; it tells nothing that the lines before do not.
_NOISE = re.compile(r"^\s*(?:npm (?:ERR!|error)\b|error Command failed|ELIFECYCLE|info Visit )")
_FRAME = re.compile(r"^\s+at .*|^\s*File \".*\", line \d+")


def error_lines(lines: Sequence[str]) -> list[str]:
    """The error in the last lines of an output, at most twelve lines; where there is none, the last ten."""
    texts = [line.rstrip() for line in lines]
    found = _traceback(texts) or _wrong(texts)
    return found or texts[-_LAST_LINES:]


def _traceback(lines: Sequence[str]) -> list[str]:
    """The last one of Python: from its head to the line that names the exception."""
    starts = [index for index, line in enumerate(lines) if line.lstrip("| +").startswith(_TRACEBACK)]
    if not starts:
        return []
    begin = starts[-1]
    end = begin + 1
    while end < len(lines) and (not lines[end] or lines[end][0] in " \t|+"):
        end += 1
    block = list(lines[begin : end + 1])
    if len(block) <= _MOST_LINES:
        return block
    return [block[0], *block[-(_MOST_LINES - 1) :]]


def _wrong(lines: Sequence[str]) -> list[str]:
    """From the first line of the last errors on."""
    wrong = [index for index, line in enumerate(lines) if _looks_wrong(line)]
    if not wrong:
        return []
    begin = wrong[-1]
    for index in reversed(wrong):
        if begin - index > _CLUSTER:
            break
        begin = index
    block = _without_frames([line for line in lines[begin:] if not _NOISE.search(line)])
    if len(block) <= _MOST_LINES:
        return block
    return [*block[: _MOST_LINES - 2], *block[-2:]]


def _looks_wrong(line: str) -> bool:
    return bool(_WRONG.search(line)) and not _ALL_RIGHT.search(line) and not _NOISE.search(line)


def _without_frames(lines: Sequence[str]) -> list[str]:
    kept: list[str] = []
    frames = 0
    for line in lines:
        frames = frames + 1 if _FRAME.search(line) else 0
        if line and frames <= _MOST_FRAMES:
            kept.append(line)
    return kept
