"""A file, what it asks for, and what would be done so that it is so."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ...project_file.model import ProjectFile
from ..registry import Registry
from .deciding import Deciding, Decision
from .wanted import Filled, Wanted, Wishes

__all__ = ["Plan"]


class Plan:
    """Compares what is meant of a file with what runs, as often as somebody asks."""

    def __init__(
        self,
        file: ProjectFile,
        ports: Mapping[str, Mapping[str, int]],
        registry: Registry,
        filled: Filled,
        base: Mapping[str, str],
        words: Collection[str],
    ) -> None:
        """``base``: the caller's environment. ``words``: as they were asked for; what is named itself is done again."""
        self.file = file
        self.ports = ports
        """Of all its processes."""
        self.wanted: dict[str, Wanted] = {}
        """What is meant, by name, in the order of the file."""
        self._wishes = Wishes(file, ports, filled)
        self._deciding = Deciding(file, self._wishes, registry)
        self._is_up = self._deciding.is_up  # as it was before anything was started
        self._base = base
        self._words = words

    async def add(self, names: Collection[str]) -> None:
        """These are meant."""
        for entry in self.file.processes.values():
            if entry.name in names:
                self.wanted[entry.name] = await self._wishes.of(entry, self._base)

    async def again(self, wanted: Wanted) -> Wanted:
        """What it would be started as by now."""
        return await self._wishes.of(wanted.entry, self._base)

    async def decide(self, wanted: Wanted) -> Decision:
        """What is to be done by now."""
        return await self._deciding.decide(wanted, is_up=self._is_up, again=wanted.entry.name in self._words)
