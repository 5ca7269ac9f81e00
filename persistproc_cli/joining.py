"""Lines of a running process put together again before they are shown beside those of others.

A program may write half a line, and the other half a millisecond later; with a line of another process between the two
nobody could read either. So a beginning waits until it is whole, or until nothing has come for a while (a prompt).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import OutputLine

__all__ = ["Joiner"]

_MOST = 16 * 1024


class Joiner:
    """The beginnings of lines of one process, by stream."""

    def __init__(self) -> None:
        self._begun: dict[str, OutputLine] = {}

    def __bool__(self) -> bool:
        return bool(self._begun)

    def feed(self, line: OutputLine) -> list[OutputLine]:
        """The line with its beginning, unless it is still not whole (and not yet long)."""
        begun = self._begun.pop(line["stream"], None)
        if begun is not None:
            if not line.get("overwrites"):
                line = {**line, "text": begun.get("text", "") + line.get("text", "")}
            if "time" in begun:
                line["time"] = begun["time"]
        if line.get("partial") and len(line.get("text", "")) < _MOST:
            self._begun[line["stream"]] = line
            return []
        return [line]

    def close(self) -> list[OutputLine]:
        """What has begun: nothing follows it, or not soon."""
        begun = list(self._begun.values())
        self._begun.clear()
        return begun
