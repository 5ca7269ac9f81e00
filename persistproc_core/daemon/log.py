"""The daemon's own log: one line an event, bounded, and never a value of an environment variable.

A line is a time, a level, an event's name and ``key=value`` pairs; values with blanks are JSON strings.
"""

from __future__ import annotations

import json
import logging
import logging.handlers

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

    def close(self) -> None:
        """Close the file."""
        for handler in list(self._logger.handlers):
            logging.getLogger().removeHandler(handler)
            self._logger.removeHandler(handler)
            handler.close()


def _line(level: str, event: str, facts: dict[str, object]) -> str:
    return " ".join([now(), level, event, *(f"{key}={_value(value)}" for key, value in facts.items())])


def _value(value: object) -> str:
    text = str(value)
    return text if text and text.isprintable() and not any(char in ' "=' for char in text) else json.dumps(text)
