"""What is in memory alone and would be lost with the daemon: handed to its successor, part by part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..log import Log

__all__ = ["Memory"]


class _Part(NamedTuple):
    give: Callable[[], object]
    take: Callable[[object], None]


class Memory:
    """Named parts. Each belongs to one module of the daemon, which alone knows what is in it."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._parts: dict[str, _Part] = {}

    def part(self, name: str, give: Callable[[], object], take: Callable[[object], None]) -> None:
        """One more part: ``give`` tells a JSON value, ``take`` gets that of the former daemon once the runs are known.

        That daemon may be of another version, older or newer: ``take`` checks what it gets.
        """
        self._parts[name] = _Part(give, take)

    def give(self) -> dict[str, object]:
        """All parts."""
        return {name: part.give() for name, part in self._parts.items()}

    def take(self, given: Mapping[str, object]) -> None:
        """Take over what the former daemon knew. A part that is not understood is forgotten, as after a crash."""
        for name, part in self._parts.items():
            if name in given:
                try:
                    part.take(given[name])
                except Exception as error:
                    # Of another version: its news or environments are worth less than a daemon that comes up.
                    self._log.exception("handover.part_lost", error, part=name)
