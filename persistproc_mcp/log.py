"""The bridge's own log: one line an event, bounded. Never a query, a token, the value of an environment variable or
what a process printed.

A line is a time, a level, an event's name and ``key=value`` pairs; values with blanks are JSON strings. Of what
libraries have to say only the place is kept: their texts may quote what was sent.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timezone
from typing import TextIO

from persistproc_core.lock_file import is_of_name

__all__ = ["Seldom", "exception", "info", "log_to", "reopen", "stay", "warning"]

_BYTES = 1024 * 1024
_MOST_THINGS = 100
_PLAIN = re.compile(r"[\w./:;,+@%~-]+", re.ASCII)
_FACTS = "persistproc_facts"
_own = logging.getLogger("persistproc.bridge")


def info(event: str, **facts: object) -> None:
    """What happened."""
    _own.info(event, extra={_FACTS: facts})


def warning(event: str, **facts: object) -> None:
    """What should not happen and was dealt with."""
    _own.warning(event, extra={_FACTS: facts})


def exception(event: str, error: BaseException, **facts: object) -> None:
    """A defect of ours: which exception, and where. Not its text, which may quote what was sent."""
    _own.error(event, exc_info=error, extra={_FACTS: facts})


class Seldom:
    """Tells of one and the same thing at most once in a minute: what others can make happen must not fill the log."""

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds
        self._told: dict[object, tuple[float, int]] = {}

    def warning(self, event: str, **facts: object) -> None:
        """As `warning`; ``again`` says how often it happened meanwhile."""
        key = (event, *facts.items())
        now = time.monotonic()
        when, count = self._told.get(key, (now - self._seconds, 0))
        if now - when < self._seconds:
            self._told[key] = (when, count + 1)
            return
        if len(self._told) > _MOST_THINGS:
            self._told.clear()
        self._told[key] = (now, 0)
        warning(event, **facts, **({"again": count} if count else {}))


@contextmanager
def log_to(path: str, *, warnings_to: TextIO | None = None) -> Iterator[None]:
    """Write to the file as long as the block lasts; our own warnings to the stream as well.

    A full disk loses lines, nothing else.
    """
    logging.raiseExceptions = False
    handlers: list[logging.Handler] = [_File(path)]
    if warnings_to is not None:
        handlers.append(logging.StreamHandler(warnings_to))
        handlers[-1].setLevel(logging.WARNING)
        handlers[-1].addFilter(logging.Filter(_own.name))
    root = logging.getLogger()
    before = root.handlers[:], root.level
    for handler in handlers:
        handler.setFormatter(_Lines())
    root.handlers[:] = handlers
    root.setLevel(logging.WARNING)
    _own.setLevel(logging.INFO)
    # It warns of every request that is no HTTP: whoever sends them could fill the log.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        for handler in handlers:
            handler.close()


def reopen() -> None:
    """Go on in the file of that name, when somebody has deleted the one that is open."""
    for file in _files():
        file.reopen()


def stay() -> None:
    """Go on in the file that is open, whatever takes its name: nothing is written by name until `reopen`."""
    for file in _files():
        file.may_open = False


def _files() -> list[_File]:
    return [handler for handler in logging.getLogger().handlers if isinstance(handler, _File)]


class _File(logging.Handler):
    """Appends to the file, and keeps the one before. The one of the library formats each line twice."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.may_open = True
        self._path = path
        self._fd: int | None = None
        self._size = 0

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record).encode("utf-8", "backslashreplace") + b"\n"
        try:
            if self._fd is not None and self._size + len(line) > _BYTES and self.may_open:
                self._forget()
                os.replace(self._path, f"{self._path}.1")
            if self._fd is None:
                if not self.may_open:
                    return
                self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
                self._size = os.fstat(self._fd).st_size
            self._size += os.write(self._fd, line)
        except OSError:
            self._forget()  # a full disk; the next line tries again

    def reopen(self) -> None:
        with self.lock or nullcontext():
            self.may_open = True
            if self._fd is not None and not self._is_whole(self._fd):
                self._forget()

    def _is_whole(self, fd: int) -> bool:
        try:
            return is_of_name(self._path, fd)
        except OSError:
            return False

    def close(self) -> None:
        with self.lock or nullcontext():
            self._forget()
        super().close()

    def _forget(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = getattr(record, _FACTS, None)
        if isinstance(facts, dict):
            event, shown = record.msg, facts
        elif record.name == _own.name:
            event, shown = record.getMessage(), {}
        else:
            event, shown = "library", {"name": record.name, "at": f"{record.filename}:{record.lineno}"}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            shown = {**shown, "error": type(error).__name__, "at": _places(error)}
        moment = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        pairs = (f"{key}={_value(value)}" for key, value in shown.items())
        return " ".join([moment, record.levelname.lower(), event, *pairs])


def _places(error: BaseException) -> str:
    # The first of a group says the most; groups are a type of their own before Python 3.11.
    while members := getattr(error, "exceptions", None):
        error = members[0]
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} " + " < ".join(
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames[-8:])
    )


def _value(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
