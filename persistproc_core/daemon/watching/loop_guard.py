"""A process that writes what it watches would be restarted for ever: after some such restarts it is left alone.

Nobody can tell who wrote a file. But what a process writes at its start comes at the same moment after each start, or
almost at once, five times in a row and in the same file; who saves a file by hand is never that regular. And nobody
goes on for thirty times to change something at once after each start, be it another file each time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

__all__ = ["LIMIT", "LIMIT_OF_ANY", "LoopGuard"]

LIMIT = 5
LIMIT_OF_ANY = 30
_AT_ONCE_SECONDS = 2.0
_REGULAR = 0.15
_LONGEST_SECONDS = 120.0


class LoopGuard:
    """Of one process."""

    def __init__(self, at_once_seconds: float = _AT_ONCE_SECONDS) -> None:
        self._at_once_seconds = at_once_seconds
        self._delays: deque[float] = deque(maxlen=LIMIT)
        self._files: set[str] = set()
        self._at_once = 0

    def looks_like_one(self, files: Iterable[str], seconds: float) -> str | None:
        """These files have changed so long after the start of the run. The file of a loop, when it looks like one."""
        self._at_once = self._at_once + 1 if seconds <= self._at_once_seconds else 0
        return self._same_file(set(files), seconds) or (min(files) if self._at_once >= LIMIT_OF_ANY else None)

    def _same_file(self, files: set[str], seconds: float) -> str | None:
        common = self._files & files
        if not common:
            self._delays.clear()
            common = files
        self._files = common
        self._delays.append(seconds)
        if len(self._delays) < LIMIT:
            return None
        shortest, longest = min(self._delays), max(self._delays)
        regular = longest <= _LONGEST_SECONDS and longest - shortest <= _REGULAR * longest
        return min(common) if longest <= self._at_once_seconds or regular else None
