"""The daemon's own log: one line an event, bounded, and never a value of an environment variable.

A line is a time, a level, an event's name and ``key=value`` pairs; values with blanks are JSON strings.
"""

from __future__ import annotations

import json
import logging
import logging.handlers

from ..lock_file import is_of_name
from .clock import now

__all__ = ["Log"]

_BYTES = 1024 * 1024


class Log:
    """Writes the log. A full disk loses lines, nothing else."""

    def __init__(self, path: str) -> None:
        logging.raiseExceptions = False
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace", delay=True
        )
        self._logger = logging.Logger("persistproc", logging.INFO)
        self._logger.addHandler(handler)
        # What jsonrpcserver and anyio have to say; a daemon has no terminal.
        library = logging.getLogger()
        library.handlers[:] = [handler]
        library.setLevel(logging.ERROR)

    def info(self, event: str, **facts: object) -> None:
        """What happened."""
        self._logger.info(_line("info", event, facts))

    def warning(self, event: str, **facts: object) -> None:
        """What should not happen and was dealt with."""
        self._logger.warning(_line("warning", event, facts))

    def exception(self, event: str, error: BaseException, **facts: object) -> None:
        """A defect of ours, with where it happened."""
        self._logger.error(_line("error", event, facts), exc_info=error)

    def reopen(self) -> None:
        """Go on in the file of that name, when somebody has deleted the one that is open."""
        for handler in self._logger.handlers:
            if isinstance(handler, logging.handlers.RotatingFileHandler):
                handler.acquire()
                try:
                    if not _is_open(handler):
                        handler.close()
                    handler.maxBytes = _BYTES
                finally:
                    handler.release()

    def stay(self) -> None:
        """Go on in the file that is open, whatever takes its name: nothing is written by name until `reopen`."""
        for handler in self._logger.handlers:
            if isinstance(handler, logging.handlers.RotatingFileHandler):
                handler.maxBytes = 0

    def close(self) -> None:
        """Close the file."""
        for handler in list(self._logger.handlers):
            logging.getLogger().removeHandler(handler)
            self._logger.removeHandler(handler)
            handler.close()


def _is_open(handler: logging.handlers.RotatingFileHandler) -> bool:
    try:
        if handler.stream is None:
            return True  # the next line opens it
        return is_of_name(handler.baseFilename, handler.stream.fileno())
    except (OSError, ValueError):
        return False


def _line(level: str, event: str, facts: dict[str, object]) -> str:
    return " ".join([now(), level, event, *(f"{key}={_value(value)}" for key, value in facts.items())])


def _value(value: object) -> str:
    text = str(value)
    return text if text and text.isprintable() and not any(char in ' "=' for char in text) else json.dumps(text)
