"""The end of a log, when it is no whole line: what a prompt looks like from outside. A few system calls, no search."""

from __future__ import annotations

import os
import re
import time
from typing import NamedTuple

from ..logs.text import plain_text

__all__ = ["OpenLine", "open_line"]

_TAIL_BYTES = 4096
_LONGEST_TEXT = 500
_TOGETHER_NS = 50_000_000
"""Both streams are read in turn: within this time it is not known which was written last."""

# Clearing the screen comes before many a question; going to a row and column is what a full-screen program does,
# and what such a program drew last is no question (ECMA-48: CUP 8.3.21, HVP 8.3.63, VPA 8.3.158, ED 8.3.39).
_CLEARED = re.compile(rb"\x1b\[(?:1;1|;)?[Hf]\x1b\[[0-3]?J|\x1b\[[23]J(?:\x1b\[3J)?\x1b\[(?:1;1|;)?[Hf]")
_PLACED = re.compile(rb"\x1b\[[0-9;]*[Hfd]")


class OpenLine(NamedTuple):
    """The last line of the output, which has no newline."""

    text: str
    """Plain text, not empty; of a long one the end."""
    place: tuple[str, int]
    """File and size: another place means that something was printed meanwhile."""
    quiet_seconds: float
    """For how long nothing was printed."""


class _File(NamedTuple):
    path: str
    size: int
    written_ns: int


def open_line(directory: str) -> OpenLine | None:
    """The open line at the end of a run's output; None when the output ends with a newline, or a line to be redrawn."""
    files = sorted(_newest_files(directory), key=lambda file: file.written_ns, reverse=True)
    for file in files:
        if file.written_ns + _TOGETHER_NS < files[0].written_ns:
            break
        text = _text(_tail(file))
        if text:
            quiet = max(0.0, (time.time_ns() - files[0].written_ns) / 1e9)
            return OpenLine(text, (file.path, file.size), quiet)
    return None


def _newest_files(directory: str) -> list[_File]:
    newest: dict[str, str] = {}
    try:
        for name in os.listdir(directory):
            stream = name[:7]  # the offset in the name has 20 digits: the last by name is the last by offset
            if name.endswith(".log") and stream in ("stdout-", "stderr-") and name > newest.get(stream, ""):
                newest[stream] = name
    except OSError:
        return []
    found = []
    for name in newest.values():
        path = os.path.join(directory, name)
        try:
            status = os.stat(path)
        except OSError:
            continue
        if status.st_size:
            found.append(_File(path, status.st_size, status.st_mtime_ns))
    return found


def _tail(file: _File) -> bytes:
    try:
        fd = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        # Most logs end with a newline, and then one byte is enough.
        if os.pread(fd, 1, file.size - 1) in (b"\n", b"\r"):
            return b""
        return os.pread(fd, min(_TAIL_BYTES, file.size), max(0, file.size - _TAIL_BYTES))
    except OSError:
        return b""
    finally:
        os.close(fd)


def _text(data: bytes) -> str:
    if not data or _PLACED.search(_CLEARED.sub(b"", data)):
        return ""
    return plain_text(data.rpartition(b"\n")[2])[0].rstrip()[-_LONGEST_TEXT:]
