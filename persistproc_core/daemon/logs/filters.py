"""What decides about lines in a search."""

from __future__ import annotations

from typing import Protocol

__all__ = ["AllOf", "Extents", "Filter", "TimeIsUp"]

Extents = list[tuple[int, int]]
"""Lines of a block: where each begins and ends (after its newline) in the block's bytes."""


class TimeIsUp(Exception):
    """The deadline has passed before all lines were looked at."""


class Filter(Protocol):
    """Decides about lines."""

    def select(self, data: bytes, length: int) -> Extents:
        """The wanted ones of the lines that are the first ``length`` bytes. The last may have no newline.

        Raises `TimeIsUp`; `InvalidParams` when one line alone takes too long.
        """

    def accepts(self, line: bytes) -> bool:
        """Whether one line, with or without its newline, is wanted. Raises as `select` does."""


class AllOf:
    """Lines that every one of some filters wants; at least one filter."""

    def __init__(self, *filters: Filter) -> None:
        self._filters = filters

    def select(self, data: bytes, length: int) -> Extents:
        """The first filter looks at the block, the others at what it leaves."""
        first, *others = self._filters
        found = first.select(data, length)
        return [(begin, end) for begin, end in found if all(each.accepts(data[begin:end]) for each in others)]

    def accepts(self, line: bytes) -> bool:
        """Whether all of them want the line."""
        return all(each.accepts(line) for each in self._filters)
