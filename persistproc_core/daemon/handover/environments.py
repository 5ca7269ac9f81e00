"""The environments of runs, in memory alone, as the successor gets them. Most runs share one: each is told once."""

from __future__ import annotations

from ..registry import Registry

__all__ = ["Environments"]


class Environments:
    """A part of `Memory`."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def give(self) -> object:
        """``[[environment, [run ids]], ...]`` of all runs whose environment is known, live or ended."""
        shared: dict[frozenset[tuple[str, str]], list[str]] = {}
        for _, run in self._registry.runs():
            if run.environment is not None:
                shared.setdefault(frozenset(run.environment.items()), []).append(run.run_id)
        return [[dict(environment), run_ids] for environment, run_ids in shared.items()]

    def take(self, given: object) -> None:
        """Put them where they belong. Raises `TypeError` or `ValueError` for what is no such list."""
        if not isinstance(given, list):
            raise TypeError("a list was expected")
        for environment, run_ids in given:
            for run_id in run_ids:
                found = self._registry.run(run_id)
                if found is not None:
                    found[1].environment = {str(name): str(value) for name, value in environment.items()}
